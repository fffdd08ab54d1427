"""Early-warning searches side by side: how long before the merger each warns, and what it costs."""
