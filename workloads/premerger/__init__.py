"""Inspirals before they merge: what a long low-frequency window holds of them, and how it is searched."""
