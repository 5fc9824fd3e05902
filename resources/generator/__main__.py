"""`python -m resources.generator`: made-up CDR files from the shell.

python -m resources.generator --folder var/landing/connexcs --first-day 2026-03-02 --days 7 \
    --rows 100000 [--gzip] [--dirty 0.002] [--seed 1] [--home var]
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from resources.generator.cdrs import generate, write_accounts


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, write the files, print their paths."""
    parser = argparse.ArgumentParser(
        prog="python -m resources.generator",
        description="Write made-up CDR files in the connexcs format, one a day.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the files go")
    parser.add_argument("--first-day", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
    parser.add_argument("--days", type=int, default=1, help="how many days (default: 1)")
    parser.add_argument("--rows", type=int, default=100_000, help="records a day, on average")
    parser.add_argument("--gzip", action="store_true", help="write .csv.gz")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other calls")
    parser.add_argument(
        "--dirty", type=float, default=0.0, help="share of duplicates and broken rows, 0 to 1"
    )
    parser.add_argument("--home", type=Path, help="write customers, providers and DIDs into it")
    given = parser.parse_args(arguments)
    if given.home:
        write_accounts(given.home)
    for path in generate(
        given.folder, given.first_day, given.days, given.rows, given.seed, given.gzip, given.dirty
    ):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
