"""Studies: several runs held against each other. Knows runs by their records only."""
