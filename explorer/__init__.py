"""The explorer: a page where people filter, pivot and search what the night has built."""
