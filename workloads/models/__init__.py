"""The programs themselves, one file each. A new workload is one file here and one line in `workloads.spec`."""
