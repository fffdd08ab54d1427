"""MLPerf's own load generator beside our profile and the twin's capacity: `python -m benchmarks.loadgen`."""
