"""Dask, and all of it: servers of other hosts for the farm (farm), replicas of a study on a cluster (study).

Nothing else imports Dask, so that everything that needs no other host runs without it.
"""
