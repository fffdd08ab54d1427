"""The science behind the data-quality workloads: coherence of a triangle, witnesses, subtraction, calibration."""
