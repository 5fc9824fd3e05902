"""What codes of the reference data are called: LATAs, US states, countries.

Plain mappings for people to read; what the codes decide is SQL and `numbers`. Each is read from
the file in force when it is asked for, and a code without a name is simply not in it.
"""

from functools import lru_cache
from pathlib import Path

from resources.reference.plan import LATA, PREFIXES, ReferenceData, read_csv

STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands",
}  # fmt: skip
"""Postal code -> name of the states, the District of Columbia and the inhabited territories."""


def lata_names(data: ReferenceData) -> dict[str, str]:
    """LATA number -> name, as `lata.csv` spells it. Raises ReferenceDataError."""
    return {row["lata"]: row["name"] for row in data.rows(LATA) if row["name"]}


UNNAMED_COUNTRIES = {
    "001": "No country",
    "AC": "Ascension Island",
    "CA": "Canada",
    "XK": "Kosovo",
}
"""Codes that calls have and `destination_prefixes.csv` does not name, or names by a prefix each."""


def country_names(data: ReferenceData) -> dict[str, str]:
    """ISO 3166 code -> name of every country that a called number can be in.

    Raises ReferenceDataError.
    """
    path = data.prefixes
    about = path.stat() if path.exists() else None
    return dict(_country_names(path, about and (about.st_mtime_ns, about.st_size)))


@lru_cache(maxsize=2)
def _country_names(path: Path, _: tuple[int, int] | None) -> dict[str, str]:
    """The same of a file as it is now: it has 30,000 rows, and is asked for all the time."""
    found = dict(UNNAMED_COUNTRIES)
    for row in read_csv(path, PREFIXES):
        if row["country"] and row["country_name"]:
            found.setdefault(row["country"], row["country_name"])
    return found
