"""The night in pandas, with Arrow behind its texts; charges as whole hundred-millionths."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.bench import answer
from tests.bench.peers import shapes

TEXT = "string[pyarrow]"
Frame = Any
"""A DataFrame or a Series: pandas' stubs know little of Arrow's."""


def whole(text: Frame, shape: str, scale: int, needed: bool) -> Frame:
    """A decimal number times `scale` as a whole one, NA when it is none; blank is 0."""
    number = pd.to_numeric(text.where(text.str.match(shape)), errors="coerce").astype("Float64")
    found = (number * scale).round().astype("Int64")
    return found if needed else found.where(text.notna(), 0)


def judge(frame: Frame, currencies: list[str]) -> Frame:
    """Types and reasons of every record, in place."""
    short = frame["branch_idx"].isna()
    for name in ("callid", "customer_id", "provider_id", "dest_number",
                 "customer_card_currency", "provider_card_currency"):  # fmt: skip
        text = frame[name].str.strip()
        frame[name] = text.where(text != "")
    times = frame["dt"].where(frame["dt"].str.match(shapes.TIME))
    frame["dt"] = pd.to_datetime(times.astype(object), format="ISO8601", errors="coerce")
    frame["branch_idx"] = pd.to_numeric(frame["branch_idx"], errors="coerce").astype("Int32")
    frame["pdd_out"] = pd.to_numeric(frame["pdd_out"], errors="coerce").astype("Int64")
    for name in shapes.DURATIONS:
        frame[name] = whole(frame[name], shapes.NUMBER, 1000, name == "duration")
    for name in shapes.CHARGES:
        frame[name] = whole(frame[name], shapes.CHARGE, 10**8, False)
    soon = (datetime.now(UTC) + timedelta(hours=24)).replace(tzinfo=None)
    f = frame
    owed = [(f["customer_charge"], f["customer_card_currency"]),
            (f["provider_charge"], f["provider_card_currency"])]  # fmt: skip
    reasons = {
        "missing_call_id": f["callid"].isna(),
        "invalid_branch": f["branch_idx"].isna() | (f["branch_idx"] < 0),
        "invalid_call_time": f["dt"].isna() | (f["dt"] < "2020-01-01"),
        "call_time_in_future": f["dt"] > soon,
        "invalid_duration": f[list(shapes.DURATIONS)].isna().any(axis=1),
        "negative_duration": (f[list(shapes.DURATIONS)] < 0).any(axis=1),
        "duration_too_long": f["duration"] > 86_400_000,
        "missing_customer": f["customer_id"].isna(),
        "missing_destination": f["dest_number"].isna(),
        "invalid_charge": f[list(shapes.CHARGES)].isna().any(axis=1),
        "negative_charge": (f[list(shapes.CHARGES)] < 0).any(axis=1),
        "missing_currency": ((owed[0][0] != 0) & owed[0][1].isna())
        | ((owed[1][0] != 0) & owed[1][1].isna()),
        "unknown_currency": (owed[0][1].notna() & ~owed[0][1].isin(currencies))
        | (owed[1][1].notna() & ~owed[1][1].isin(currencies)),
    }
    broken = pd.DataFrame({n: b.fillna(False).astype(bool) for n, b in reasons.items()})
    bad = broken.any(axis=1) | short
    told = broken[bad].apply(lambda row: ",".join(row.index[row]), axis=1)
    frame["reasons"] = told.where(~short[bad], "wrong_column_count").reindex(frame.index)
    frame["call_date"] = frame["dt"].dt.normalize()
    return frame


def verdicts(good: Frame) -> Frame:
    """Lines that do not count: duplicates, and what a later line supersedes."""
    rows = good[good.duplicated(shapes.KEY, keep=False)].copy()
    text = rows.drop(columns="reasons").astype("string").fillna("").agg("\x1f".join, axis=1)
    again = text == text.groupby([rows[k] for k in shapes.KEY]).shift(1)
    rows["again"] = again.fillna(False).astype(bool)
    news = (~rows["again"]).astype(int).groupby([rows[k] for k in shapes.KEY])
    return rows[rows["again"] | (news.cumsum() < news.transform("sum"))]


def enrich(calls: Frame, folder: Path) -> Frame:
    """Numbers by the number plan: place, jurisdiction."""
    read: dict[str, Any] = {"dtype": TEXT, "keep_default_na": False, "na_values": [""]}
    areas = pd.read_csv(folder / "areas.csv", **read).set_index("npa")
    exchanges = pd.read_csv(folder / "exchanges.csv", **read).set_index("npanxx")
    classes = pd.read_csv(folder / "release_causes.csv", **read).set_index("sip")
    stripped = {
        name: calls[name].str.replace(shapes.NOISE, "", regex=True)
        for name in ("dest_cli", "dest_number", "lrn_number")
    }
    cli, dest, lrn = (text.str.replace("^00", "", regex=True) for text in stripped.values())
    plus = calls["dest_cli"].str.lstrip(" -().").str.startswith("+")
    plus = (plus | stripped["dest_cli"].str.startswith("00")).fillna(False).astype(bool)

    def like(text: Frame, shape: str) -> Frame:
        return text.str.match(shape).fillna(False).astype(bool)

    local = like(cli, shapes.LOCAL) & ~plus & cli.str.slice(0, 3).isin(areas.index)
    cli_nanp = cli.where(like(cli, shapes.NANP)).mask(local, "1" + cli)
    term_nanp = lrn.where(like(lrn, shapes.NANP), dest.where(like(dest, shapes.NANP)))
    us, countries = {}, {}
    for side, digits in (("orig", cli_nanp), ("term", term_nanp)):
        npa = digits.str.slice(1, 4)
        countries[side] = npa.map(areas["country"])
        us[side] = (countries[side] == "US").fillna(False).astype(bool)
        prefix = digits.str.slice(1, 7).where(us[side])
        calls[f"{side}_state"] = npa.map(areas["region"]).where(us[side])
        calls[f"{side}_prefix"] = prefix
        for name in ("lata", "rate_center"):
            calls[f"{side}_{name}"] = prefix.map(exchanges[name])
    country = countries["term"]
    foreign = (country.notna() & (country != "US")).fillna(False).astype(bool)
    abroad = foreign.where(term_nanp.notna(), like(dest, shapes.FOREIGN))
    unknown = ~us["orig"] | ~us["term"]
    no_lata = calls["orig_lata"].isna() | calls["term_lata"].isna()

    def same(name: str) -> Frame:
        return (calls[f"orig_{name}"] == calls[f"term_{name}"]).fillna(False).astype(bool)

    calls["jurisdiction_state"] = np.select(
        [abroad, unknown, same("state")],
        ["international", "indeterminate", "intrastate"], "interstate",
    )  # fmt: skip
    calls["jurisdiction_lata"] = np.select(
        [abroad, unknown | no_lata, same("lata")],
        ["international", "indeterminate", "intralata"], "interlata",
    )  # fmt: skip
    calls["kpi_class"] = calls["sip_code"].map(classes["kpi_class"])
    calls["hour"] = calls["dt"].dt.floor("h")
    return calls


def sums(calls: Frame, folder: Path) -> dict[str, Frame]:
    """The four tables, kept as Parquet files."""
    connected = calls["duration"] > 0
    digits = calls["dtmf"].str.len().fillna(0)
    effective = connected | calls["kpi_class"].isin(["user", "user_if_alerted"])
    calls = calls.assign(
        attempts=1, connected=connected.astype(int),
        calls=(calls["branch_idx"] == 0).astype(int),
        short_calls=(connected & (calls["duration"] <= 6000)).astype(int),
        ner_attempts=effective.astype(int), dtmf_calls=(connected & (digits > 0)).astype(int),
        dtmf_digits=digits.where(connected, 0), pdd_attempts=calls["pdd_out"].notna().astype(int),
    )  # fmt: skip
    few = ["attempts", "connected", *shapes.SUMS]
    all_ = [*few, "calls", "short_calls", "ner_attempts", "dtmf_calls", "dtmf_digits", "pdd_out",
            "pdd_attempts"]  # fmt: skip

    def summed(grain: list[str], figures: list[str], more: dict[str, str] | None = None) -> Frame:
        wanted = dict.fromkeys(figures, "sum") | (more or {})
        return calls.groupby(grain, dropna=False, sort=False).agg(wanted).reset_index()

    sides = []
    for side, prefix in (("origin", "orig"), ("destination", "term")):
        place = {f"{prefix}_{name}": "first" for name in ("rate_center", "state", "lata")}
        names = {f"{prefix}_{name}": name for name in ("prefix", "rate_center", "state", "lata")}
        table = summed([f"{prefix}_prefix", *shapes.PARTIES], few, place)
        sides.append(table.rename(columns=names).assign(side=side))
    made = {
        "breakout": summed(shapes.BREAKOUT, all_),
        "dtmf": summed(shapes.DTMF, all_),
        "usa": summed(shapes.USA, few),
        "places": pd.concat(sides, ignore_index=True),
    }
    for name, table in made.items():
        table.to_parquet(folder / f"{name}.parquet", compression="zstd")
    return made


def main() -> None:
    """`FOLDER FILE ANSWER`."""
    folder, file, out = map(Path, sys.argv[1:4])
    currencies = pd.read_csv(folder / "currencies.csv")["currency"].tolist()
    frame = pd.read_csv(
        file, usecols=list(shapes.COLUMNS), dtype=TEXT, keep_default_na=False, na_values=[""]
    )
    frame = judge(frame, currencies)
    frame.to_parquet(folder / "delivered.parquet", compression="zstd")
    bad = frame["reasons"].notna()
    frame[bad].to_parquet(folder / "quarantine.parquet")
    records, quarantined = len(frame), int(bad.sum())
    frame = frame[~bad]
    dropped = verdicts(frame)
    calls = enrich(frame.drop(index=dropped.index), folder)
    calls.to_parquet(folder / "cdrs.parquet", compression="zstd")
    made = sums(calls, folder)
    again = int(dropped["again"].sum())
    account = [records, records - again - quarantined, again, quarantined, len(dropped) - again]
    answer.write(out, account, *rows(made))


def rows(made: dict[str, Frame]) -> list[list[tuple[Any, ...]]]:
    """The answer's three questions; whole numbers become decimals again."""

    def asked(name: str, keys: list[str], figures: list[str]) -> list[tuple[Any, ...]]:
        table = made[name].groupby(keys, dropna=False)[figures].sum().reset_index()
        scales = {"duration": Decimal("0.001"), **dict.fromkeys(shapes.CHARGES, Decimal("1e-8"))}
        return [
            (
                *(None if pd.isna(value) else value for value in row[: len(keys)]),
                *(
                    int(value) * scales.get(name, 1)
                    for name, value in zip(figures, row[len(keys) :], strict=True)
                ),
            )
            for row in table.itertuples(index=False, name=None)
        ]

    breakout = ["customer_id", "customer_card_currency", "provider_card_currency"]
    return [
        asked("breakout", breakout, ["attempts", "connected", "duration", *shapes.CHARGES]),
        asked("usa", ["jurisdiction_state", "jurisdiction_lata"], ["attempts", "duration"]),
        asked("places", ["side", "lata"], ["attempts", "customer_charge"]),
    ]


if __name__ == "__main__":
    main()
