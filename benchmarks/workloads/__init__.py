"""The workloads on this machine: how long, how near to what the core can do, and how well; as table and JSON."""
