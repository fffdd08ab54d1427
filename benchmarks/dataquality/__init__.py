"""How well data quality works: what is flagged, what is spared, what is known of the errors. Beside baselines."""
