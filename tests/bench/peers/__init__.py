"""The same night in what people would use instead: each a program `FOLDER FILE ANSWER`.

`FOLDER` is a new one with `areas.csv` and `exchanges.csv` (the number plan) in it; what a peer
makes of `FILE` stays there. To `ANSWER` it writes what `answer` says, read from its own tables.

All of them judge every value by the contract's reasons, keep the refused records with all their
reasons, tell duplicates from corrections, judge the numbers by area code and exchange, and keep
four tables of sums at the grain of ours. What they leave out is to their advantage:

- country, network and destination by the longest prefix; on-net calls; why a call is indeterminate;
- charges in US dollars and pounds;
- the checks of the day, the index of numbers, ledger, versions, and healing after a crash;
- lines and raw text of the refused records (pandas, polars); any file but a plain, regular one.
"""
