"""Parameter estimation beside its exact answer: calibration, sharpness, efficiency, seconds, sky maps, classes."""
