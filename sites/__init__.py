"""Where computing happens: known sites, hardware kinds, the network between them. Knows no model and no clock."""
