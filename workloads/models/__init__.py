"""The programs themselves, one file each with a `WORKLOAD`. A new workload is one file here and is found."""
