"""USA jurisdiction in SQL: each cell of the contract's table (§3), written out."""

from tests.unit.sql_models import GOOD, Models

US_A, US_A2, US_B = "12122260001", "13152140002", "12132000005"  # New York twice, California
INDETERMINATE_CALLERS = {
    "foreign": ("442079460013", "cli_foreign"),
    "Canada": ("14162000011", "cli_foreign"),
    "Caribbean": ("18762016275", "cli_foreign"),
    "toll-free": ("18005550012", "cli_non_geographic"),
    "non-geographic": ("15335550012", "cli_non_geographic"),
    "blank": ("", "cli_missing"),
    "withheld": ("anonymous", "cli_withheld"),
    "invalid": ("1001", "cli_invalid"),
    "unassigned": ("19992220015", "cli_invalid"),
}
CALLERS = {"place A": (US_A, None), "place A too": (US_A2, None), "place B": (US_B, None)} | (
    INDETERMINATE_CALLERS
)
NOWHERE = {
    "toll-free": ("18005550012", "destination_non_geographic"),
    "900": ("19005550012", "destination_non_geographic"),
    "5XX": ("15335550012", "destination_non_geographic"),
    "unassigned": ("19992220015", "destination_unassigned"),
    "invalid": ("12110000000", "destination_invalid"),
}
ABROAD = {"foreign": "447802000014", "Canada": "14162000011", "Jamaica": "18762016275"}


def test_each_cell_of_the_jurisdiction_table(models: Models) -> None:
    wanted: dict[str, tuple[str, str | None]] = {}
    rows = []

    def cell(name: str, cli: str, destination: str, result: str, reason: str | None) -> None:
        wanted[name] = (result, reason)
        rows.append(GOOD | {"callid": name, "dest_cli": cli, "dest_number": destination})

    for caller, (cli, reason) in CALLERS.items():
        if reason:
            cell(f"{caller} to a place", cli, US_A, "indeterminate", reason)
        else:
            same = caller != "place B"
            cell(f"{caller} to a place", cli, US_A, "intrastate" if same else "interstate", None)
        for name, (number, why) in NOWHERE.items():
            cell(f"{caller} to {name}", cli, number, "indeterminate", why)
        for name, number in ABROAD.items():
            cell(f"{caller} to {name}", cli, number, "international", None)
    found = {
        row["callid"]: (row["jurisdiction_state"], row["reason_state"]) for row in models.cdrs(rows)
    }
    assert found == wanted


def test_the_lata_decides_apart_from_the_state(models: Models) -> None:
    """NY to upstate NY: one state, two LATAs; an unknown LATA leaves the state's result alone."""
    unknown = "12034710000"  # Connecticut, an exchange without a LATA
    rows = models.cdrs(
        [
            GOOD | {"callid": "upstate", "dest_cli": US_A, "dest_number": US_A2},
            GOOD | {"callid": "home", "dest_cli": US_A, "dest_number": "12122260002"},
            GOOD | {"callid": "unknown", "dest_cli": unknown, "dest_number": US_A},
            GOOD | {"callid": "unknown there", "dest_cli": US_A, "dest_number": unknown},
        ]
    )
    found = {
        r["callid"]: (r["jurisdiction_state"], r["jurisdiction_lata"], r["reason_lata"])
        for r in rows
    }
    assert found == {
        "upstate": ("intrastate", "interlata", None),
        "home": ("intrastate", "intralata", None),
        "unknown": ("interstate", "indeterminate", "lata_unknown"),
        "unknown there": ("interstate", "indeterminate", "lata_unknown"),
    }
    assert all(r["reason_state"] is None for r in rows)


def test_the_ported_number_decides_where_a_call_ends(models: Models) -> None:
    """Only the North American shape of an LRN counts; the number dialled stays what is reported."""
    rows = models.cdrs(
        [
            GOOD | {"callid": lrn, "dest_cli": US_B, "dest_number": US_A, "lrn_number": lrn}
            for lrn in ("12132000000", "+1 213 200 0000", "2132000000", "447802000014", "x")
        ]
    )
    found = {
        r["callid"]: (r["term_state"], r["jurisdiction_state"], r["dest_digits"]) for r in rows
    }
    here, ported = ("NY", "interstate", US_A), ("CA", "intrastate", US_A)
    assert found == {
        "12132000000": ported, "+1 213 200 0000": ported, "2132000000": here,
        "447802000014": here, "x": here,
    }  # fmt: skip


def test_onnet_is_between_own_numbers_wherever_they_are(models: Models) -> None:
    own = ("442079460013", US_A)
    rows = models.cdrs(
        [
            GOOD | {"callid": "own", "dest_cli": "+44 20 7946 0013", "dest_number": US_A},
            GOOD | {"callid": "own abroad", "dest_cli": US_A, "dest_number": "442079460013"},
            GOOD | {"callid": "from outside", "dest_cli": US_B, "dest_number": US_A},
            GOOD | {"callid": "abroad", "dest_cli": US_A, "dest_number": "447802000014"},
        ],
        dids=own,
    )
    assert {r["callid"]: r["network"] for r in rows} == {
        "own": "onnet", "own abroad": "onnet", "from outside": "offnet", "abroad": "international",
    }  # fmt: skip
