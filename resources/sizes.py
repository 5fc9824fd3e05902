"""Sizes of memory as settings have them."""

import re

LEAST_MEMORY = "512MB"
"""With less a day of 200,000 calls cannot be built: the number plan is most of what it takes."""


def bytes_of(memory: str) -> int:
    """`1.5 GB` in bytes; also MB, MiB and GiB. Raises ValueError."""
    size = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([MG])(i?)B", memory)
    if size is None:
        raise ValueError(f"{memory!r} is no size in MB, GB, MiB or GiB")
    number, unit, binary = size.groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** {"M": 2, "G": 3}[unit])
