"""The night in polars, lazily wherever it can be; charges as whole hundred-millionths."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from tests.bench import answer
from tests.bench.peers import shapes


def blank(name: str) -> pl.Expr:
    """A trimmed text; nothing when it is blank."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def whole(name: str, shape: str, scale: int, needed: bool) -> pl.Expr:
    """A decimal number times `scale` as a whole one, null when it is none; blank is 0."""
    text = pl.col(name)
    number = (text.str.strip_chars().cast(pl.Float64, strict=False) * scale).round()
    judged = pl.when(text.str.contains(shape)).then(number.cast(pl.Int64, strict=False))
    return (judged if needed else judged.when(text.is_null()).then(0)).alias(name)


def judge(raw: pl.LazyFrame, currencies: list[str]) -> pl.LazyFrame:
    """Types and reasons of every record."""
    typed = raw.with_columns(
        blank("callid"), blank("customer_id"), blank("provider_id"), blank("dest_number"),
        blank("customer_card_currency"), blank("provider_card_currency"),
        pl.when(pl.col("dt").str.contains(shapes.TIME))
        .then(pl.col("dt").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)).alias("dt"),
        pl.col("branch_idx").cast(pl.Int32, strict=False),
        pl.col("branch_idx").is_null().alias("is_short"),
        pl.col("pdd_out").cast(pl.Float64, strict=False).cast(pl.Int64),
        whole("duration", shapes.NUMBER, 1000, True),
        *(whole(name, shapes.NUMBER, 1000, False) for name in shapes.DURATIONS[1:]),
        *(whole(name, shapes.CHARGE, 10**8, False) for name in shapes.CHARGES),
    )  # fmt: skip
    c = pl.col
    soon = (datetime.now(UTC) + timedelta(hours=24)).replace(tzinfo=None)
    owed = [(c("customer_charge"), c("customer_card_currency")),
            (c("provider_charge"), c("provider_card_currency"))]  # fmt: skip
    reasons = {
        "missing_call_id": c("callid").is_null(),
        "invalid_branch": c("branch_idx").is_null() | (c("branch_idx") < 0),
        "invalid_call_time": c("dt").is_null() | (c("dt") < datetime(2020, 1, 1)),  # noqa: DTZ001
        "call_time_in_future": c("dt") > soon,
        "invalid_duration": pl.any_horizontal(c(d).is_null() for d in shapes.DURATIONS),
        "negative_duration": pl.any_horizontal(c(d) < 0 for d in shapes.DURATIONS),
        "duration_too_long": c("duration") > 86_400_000,
        "missing_customer": c("customer_id").is_null(),
        "missing_destination": c("dest_number").is_null(),
        "invalid_charge": pl.any_horizontal(c(d).is_null() for d in shapes.CHARGES),
        "negative_charge": pl.any_horizontal(c(d) < 0 for d in shapes.CHARGES),
        "missing_currency": pl.any_horizontal((m != 0) & unit.is_null() for m, unit in owed),
        "unknown_currency": pl.any_horizontal(~unit.is_in(currencies) for _, unit in owed),
    }
    told = pl.concat_str(
        [pl.when(broken).then(pl.lit(name)) for name, broken in reasons.items()],
        separator=",", ignore_nulls=True,
    )  # fmt: skip
    return typed.with_columns(
        pl.when(c("is_short")).then(pl.lit("wrong_column_count")).otherwise(told).alias("reasons"),
        c("dt").dt.date().alias("call_date"),
    ).drop("is_short")


def verdicts(good: pl.LazyFrame) -> pl.DataFrame:
    """Lines that do not count: duplicates, and what a later line supersedes."""
    keys = good.select("line", *shapes.KEY).collect(engine="streaming")
    lines = keys.filter(keys.select(shapes.KEY).is_duplicated())["line"]
    rows = good.filter(pl.col("line").is_in(lines.implode())).collect().sort("line")
    content = pl.struct(pl.exclude("line", "reasons")).hash()
    rows = rows.with_columns(content.alias("content")).with_columns(
        (pl.col("content") == pl.col("content").shift(1).over(shapes.KEY))
        .fill_null(False).alias("again")
    )  # fmt: skip
    nth = (~pl.col("again")).cum_sum().over(shapes.KEY)
    last = (~pl.col("again")).sum().over(shapes.KEY)
    return rows.with_columns((nth < last).alias("old")).filter(pl.col("again") | pl.col("old"))


def enrich(calls: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    """Numbers by the number plan: place, jurisdiction."""
    c = pl.col
    areas = pl.scan_csv(folder / "areas.csv", infer_schema=False)
    exchanges = pl.scan_csv(folder / "exchanges.csv", infer_schema=False)
    classes = pl.scan_csv(folder / "release_causes.csv", infer_schema=False)

    def clean(name: str) -> pl.Expr:
        return c(name).str.replace_all(shapes.NOISE, "").str.replace("^00", "")

    known = areas.select(c("npa").alias("cli_npa"), pl.lit(True).alias("is_assigned"))
    plus = (c("dest_cli").str.strip_chars_start(" -().").str.starts_with("+")) | c(
        "dest_cli"
    ).str.replace_all(shapes.NOISE, "").str.starts_with("00")
    shaped = (
        calls.with_columns(
            clean("dest_cli").alias("cli"), clean("dest_number").alias("dest"),
            clean("lrn_number").alias("lrn"), plus.alias("plus"),
        )
        .with_columns(
            pl.when(c("cli").str.contains(shapes.LOCAL) & ~c("plus"))
            .then(c("cli").str.slice(0, 3)).alias("cli_npa"),
            pl.when(c("lrn").str.contains(shapes.NANP)).then(c("lrn"))
            .when(c("dest").str.contains(shapes.NANP)).then(c("dest")).alias("term_nanp"),
        )
        .join(known, on="cli_npa", how="left")
        .with_columns(
            pl.when(c("cli").str.contains(shapes.NANP)).then(c("cli"))
            .when(c("is_assigned")).then("1" + c("cli")).alias("cli_nanp"),
        )
    )  # fmt: skip
    placed = shaped
    for side, digits in (("orig", "cli_nanp"), ("term", "term_nanp")):
        names = [c("npa").alias(f"{side}_npa"), c("country").alias(f"{side}_country"),
                 c("region").alias(f"{side}_region")]  # fmt: skip
        us = (c(f"{side}_country") == "US").fill_null(False)
        prefix = f"{side}_prefix"
        placed = (
            placed.with_columns(c(digits).str.slice(1, 3).alias(f"{side}_npa"))
            .join(areas.select(names), on=f"{side}_npa", how="left")
            .with_columns(
                us.alias(f"{side}_us"),
                pl.when(us).then(c(f"{side}_region")).alias(f"{side}_state"),
                pl.when(us).then(c(digits).str.slice(1, 6)).alias(prefix),
            )
            .join(
                exchanges.select(
                    c("npanxx").alias(prefix), c("lata").alias(f"{side}_lata"),
                    c("rate_center").alias(f"{side}_rate_center"),
                ),
                on=prefix, how="left",
            )
        )  # fmt: skip
    abroad = (
        pl.when(c("term_nanp").is_not_null())
        .then((c("term_country") != "US").fill_null(False))
        .otherwise(c("dest").str.contains(shapes.FOREIGN))
    )
    unknown = ~c("term_us") | ~c("orig_us")
    no_lata = c("orig_lata").is_null() | c("term_lata").is_null()
    word = pl.lit
    return placed.join(classes, left_on="sip_code", right_on="sip", how="left").with_columns(
        pl.when(abroad).then(word("international"))
        .when(unknown).then(word("indeterminate"))
        .when(c("orig_state") == c("term_state")).then(word("intrastate"))
        .otherwise(word("interstate")).alias("jurisdiction_state"),
        pl.when(abroad).then(word("international"))
        .when(unknown | no_lata).then(word("indeterminate"))
        .when(c("orig_lata") == c("term_lata")).then(word("intralata"))
        .otherwise(word("interlata")).alias("jurisdiction_lata"),
        c("dt").dt.truncate("1h").alias("hour"),
        c("dtmf").str.len_chars().fill_null(0).alias("dtmf_digits"),
    ).drop(
        "cli", "dest", "lrn", "plus", "cli_npa", "is_assigned", "orig_npa", "term_npa",
        "orig_region", "term_region", "orig_country", "term_country", "orig_us", "term_us",
        "reasons", "cli_nanp", "term_nanp",
    )  # fmt: skip


def sums(calls: pl.LazyFrame, folder: Path) -> dict[str, pl.DataFrame]:
    """The four tables, kept as Parquet files."""
    c = pl.col
    connected = c("duration") > 0
    few = [pl.len().alias("attempts"), connected.sum().alias("connected"),
           *(c(name).sum() for name in shapes.SUMS)]  # fmt: skip
    all_ = [
        *few, (c("branch_idx") == 0).sum().alias("calls"),
        (connected & (c("duration") <= 6000)).sum().alias("short_calls"),
        (connected | c("kpi_class").is_in(["user", "user_if_alerted"]).fill_null(False))
        .sum().alias("ner_attempts"),
        c("pdd_out").sum().alias("pdd_sum"), c("pdd_out").count().alias("pdd_attempts"),
        (connected & (c("dtmf_digits") > 0)).sum().alias("dtmf_calls"),
        c("dtmf_digits").filter(connected).sum().alias("digits"),
    ]  # fmt: skip

    def side(name: str, prefix: str) -> pl.LazyFrame:
        named = {"prefix": c(f"{prefix}_prefix"), "rate_center": c(f"{prefix}_rate_center"),
                 "state": c(f"{prefix}_state"), "lata": c(f"{prefix}_lata")}  # fmt: skip
        grain = ["prefix", *shapes.PARTIES]
        place = [c(part).first() for part in ("rate_center", "state", "lata")]
        summed = calls.with_columns(**named).group_by(grain).agg(*place, *few)
        return summed.with_columns(pl.lit(name).alias("side"))

    plans = {
        "breakout": calls.group_by(shapes.BREAKOUT).agg(all_),
        "dtmf": calls.group_by(shapes.DTMF).agg(all_),
        "usa": calls.group_by(shapes.USA).agg(few),
        "places": pl.concat([side("origin", "orig"), side("destination", "term")]),
    }
    made = {}
    for name, plan in plans.items():
        made[name] = plan.collect(engine="streaming")
        made[name].write_parquet(folder / f"{name}.parquet")
    return made


def main() -> None:
    """`FOLDER FILE ANSWER`."""
    folder, file, out = map(Path, sys.argv[1:4])
    currencies = pl.read_csv(folder / "currencies.csv")["currency"].to_list()
    raw = pl.scan_csv(
        file, infer_schema=False, truncate_ragged_lines=True, row_index_name="line"
    ).select("line", *shapes.COLUMNS)
    judge(raw, currencies).sink_parquet(folder / "delivered.parquet", compression_level=1)
    delivered = pl.scan_parquet(folder / "delivered.parquet")
    is_bad = pl.col("reasons") != ""
    delivered.filter(is_bad).sink_parquet(folder / "quarantine.parquet")
    good = delivered.filter(~is_bad)
    dropped = verdicts(good)
    counting = good.filter(~pl.col("line").is_in(dropped["line"].implode()))
    enrich(counting, folder).sink_parquet(folder / "cdrs.parquet", compression="lz4")
    made = sums(pl.scan_parquet(folder / "cdrs.parquet"), folder)
    records = delivered.select(pl.len()).collect().item()
    quarantined = pl.scan_parquet(folder / "quarantine.parquet").select(pl.len()).collect().item()
    again, old = dropped["again"].sum(), int((~dropped["again"]).sum())
    account = [records, records - again - quarantined, again, quarantined, old]
    answer.write(out, account, *rows(made))


def rows(made: dict[str, pl.DataFrame]) -> list[list[tuple[Any, ...]]]:
    """The answer's three questions; whole numbers become decimals again."""
    breakout = made["breakout"].group_by(
        "customer_id", "customer_card_currency", "provider_card_currency"
    ).agg(pl.col("attempts", "connected", "duration", *shapes.CHARGES).sum())  # fmt: skip
    usa = made["usa"].group_by("jurisdiction_state", "jurisdiction_lata")
    places = made["places"].group_by("side", "lata")
    thousandths, money = Decimal("0.001"), Decimal("0.00000001")
    return [
        [(*r[:5], r[5] * thousandths, r[6] * money, r[7] * money) for r in breakout.rows()],
        [
            (*r[:3], r[3] * thousandths)
            for r in usa.agg(pl.col("attempts", "duration").sum()).rows()
        ],
        [
            (*r[:3], r[3] * money)
            for r in places.agg(pl.col("attempts", "customer_charge").sum()).rows()
        ],
    ]


if __name__ == "__main__":
    main()
