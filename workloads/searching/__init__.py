"""What searches for compact binaries share: channels, a reduced basis, shards, examples, tails. No workload."""
