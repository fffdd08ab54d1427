"""The kernel beside its peers on the same work: `make bench`. Nothing in the product knows this package."""
