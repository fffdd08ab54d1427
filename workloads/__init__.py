"""What runs, how long it takes and how well it decides: real programs, their data, training and measurement."""
