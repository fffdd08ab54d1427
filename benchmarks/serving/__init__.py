"""Real model servers, each in an environment of its own, hold a workload's network: `make serving-check`."""
