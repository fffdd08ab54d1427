"""`python -m benchmarks.inference [PART …] [--effort X]` writes benchmarks/inference.json.

Parts: cost, beside-sampler, calibration, sky-map, source-classes. Without a part, all. Each part replaces its own
figures only. What was done of an interrupted part is kept beside the results; the same command goes on from there.
"""

import os

if __name__ == "__main__":
    for library in ("OPENBLAS", "OMP", "MKL"):  # before numpy is loaded: all seconds are those of one thread
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

    from benchmarks.inference.command import main

    main()
