"""How much computing it takes, in a community's own units: cores, GPUs, HS06, MW, EUR, tCO2e, trigger farms.

For `ettwin need` and for planners in Python. What is known of hardware and places comes from `sites`, what the
work takes from a run or from measured profiles. Each part is a module: `table` (what pools are and what was used
of them), `chain` (the chain of ET-PP D8.1), `breakeven` (when training pays), `parts` (speed-up end to end),
`projection` (up to 2050), `demand` (a month of parameter estimation). Knows no page and no file; imports nothing
here.
"""
