"""Scheduled reports: what is owed, when, to whom, and handing it over exactly once.

Decisions are pure (`due`, `audience`, `definition`, `changes`); `rendering` is the one module that
knows how a report is made; `planning` and `delivery` do what was decided. No Dagster here.
"""
