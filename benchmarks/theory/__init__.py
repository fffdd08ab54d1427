"""The kernel's answers beside queueing theory's exact ones and Ciw's: `make theory`. Knows no scenario."""
