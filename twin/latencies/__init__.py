"""Logs of real alerts: how long each took from its event to its upload and to its publication, and by which law.

From `stamps` (rows of a file, and every row that is wrong) over `legs` (what lies between two stamps) to `laws`
(maximum likelihood, goodness of fit), `limits` (what such a log cannot tell), `backtest` (the first part foretells
the second) and `timers` (the result as values of a scenario). `clock` reads times. Knows no run and no kernel.
"""
