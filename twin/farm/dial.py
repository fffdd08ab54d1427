"""A worker on another host than the twin's: a process that goes to the twin's door and then serves like any other.

    python -m twin.farm.dial

Its host writes one line of JSON to its standard input, which no list of processes shows: where the door is, the
token, certificates, cores to stay on. It leaves when that input ends, with its host, and when the twin does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from twin.farm.door import Post, knock
from twin.farm.place import FarmError
from twin.farm.secure import Certificates
from twin.farm.worker import serve


def main() -> None:
    """Read the line, stay on the cores, knock, serve."""
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_host, daemon=True).start()
    if given["cores"]:
        os.sched_setaffinity(0, given["cores"])
    certificates = None if given["certificates"] is None else Certificates(**given["certificates"])
    try:
        channel = knock(Post(**given["post"]), certificates)
    except FarmError as error:
        sys.exit(str(error))
    serve(channel)


def _leave_with_host() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host hears Ctrl-C and lets go
    main()
