"""The searches side by side at equal false-alarm rate: what each finds, and what it costs."""
