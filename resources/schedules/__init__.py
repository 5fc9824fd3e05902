"""Scheduled reports: what is owed, when, to whom, and handing it over exactly once.

Decisions are pure (`due`, `audience`, `definition`); `rendering` knows how a report is made, and
`compared` how one that was sent differs from one of now; `planning` and `delivery` do what was
decided. No Dagster here.
"""
