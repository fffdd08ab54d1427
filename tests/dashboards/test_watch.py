import ctypes
import signal

import pytest

from dashboards.watch import watch


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_lost_in_a_callback_from_c_is_honoured_at_the_next_report(capsys):
    @ctypes.CFUNCTYPE(None)
    def callback():
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with watch() as progress:
        progress(0.1, "begun")
        callback()  # Python prints the KeyboardInterrupt and goes on
        with pytest.raises(KeyboardInterrupt):
            progress(0.2, "going on")
    assert signal.getsignal(signal.SIGINT) is before
    told = capsys.readouterr().err
    assert "begun" in told
    assert "going on" not in told


def test_an_interrupt_elsewhere_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt), watch(quiet=True):
        signal.raise_signal(signal.SIGINT)


def test_a_caller_that_handles_interrupts_itself_goes_on_doing_so():
    received = []
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        with watch(quiet=True) as progress:
            signal.raise_signal(signal.SIGINT)
            progress(0.5, "")
    finally:
        signal.signal(signal.SIGINT, before)
    assert received == [signal.SIGINT]
