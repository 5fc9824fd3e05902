"""Keeping the lake small: merging small files, letting old versions go, moving old calls away.

What may go and what must stay is decided here; when it is done is `pipelines`.
"""
