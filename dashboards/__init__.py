"""What a planner sees: commands, figures, reports. Everything shown is computed by the twin."""
