"""Reference data: the number plan, exchange rates and account names, and what loads newer ones.

Facts that calls are judged against live here, with the shipped files in `data/` and their
origin in `data/README.md`. SQL over calls, Dagster and rendering do not.
"""
