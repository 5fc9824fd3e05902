"""Made-up calls for the demo and the benchmark: a fictional carrier's day, as CDR files.

What the fictional world is made of (`world`), the tables that SQL draws from (`tables`) and the
writing of files (`cdrs`) live here. Nothing of the program depends on it.
"""

from resources.generator.cdrs import generate, write_accounts

__all__ = ["generate", "write_accounts"]
