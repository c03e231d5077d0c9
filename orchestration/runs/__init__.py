"""Runs of the daily job: started from the command line, watched, and what is said of one that failed or died.

Not here: what a job is made of (jobs.py), how assets say that they move on (progress.py), where Dagster keeps
its records (history.py).
"""
