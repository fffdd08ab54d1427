"""Shift load: data quality's first pass over candidates, and the people who vet what it cannot settle.

`first_pass` says of every published candidate what data quality makes of it, from the measured confusion of the
program that flags; `load` tells hours of people, and what the first pass got wrong. Knows no kernel.
"""
