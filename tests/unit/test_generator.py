"""Made-up CDR files: the same for a seed, with the money right and the world realistic."""

import csv
import gzip
import math
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from resources.generator import generate, tables, world, write_accounts
from resources.generator.__main__ import main
from resources.reference.accounts import read_customers, read_dids, read_providers
from resources.reference.numbers import Kind, classify
from resources.sources import SOURCES
from tests.unit.shipped import PLAN

MONDAY = date(2026, 3, 2)
Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("made")
    (path,) = generate(folder, MONDAY, 1, 30_000, seed=7)
    assert path == folder / "cdr_20260302.csv"
    assert list(folder.iterdir()) == [path]
    return read(path)


def test_the_columns_are_those_of_the_source(rows: Rows) -> None:
    source = SOURCES["connexcs"]
    assert set(rows[0]) == {*source.columns, *source.optional} - {"meta"}
    assert len(rows) == 30_000


def test_a_call_is_its_branches_and_only_the_last_may_be_answered(rows: Rows) -> None:
    calls: dict[str, Rows] = {}
    for row in rows:
        calls.setdefault(row["callid"], []).append(row)
    assert 1.05 < len(rows) / len(calls) < 1.2
    for branches in calls.values():
        assert [row["branch_idx"] for row in branches] == [str(n) for n in range(len(branches))]
        assert len({row["dest_number"] for row in branches}) == 1
        assert len({row["provider_id"] for row in branches}) == len(branches)
        assert all(row["duration"] == "0" for row in branches[:-1])
        assert all(row["sip_code"] == "503" for row in branches[:-1])


def charge(seconds: str, rate: str) -> Decimal:
    exact = Decimal(seconds) * Decimal(rate) / 60
    return exact.quantize(Decimal("1E-8"), ROUND_HALF_UP)


@pytest.mark.parametrize("side", ["customer", "provider"])
def test_charges_are_exact(rows: Rows, side: str) -> None:
    for row in rows:
        seconds, rate = row[f"{side}_duration"], row[f"{side}_card_rate"]
        if side == "provider" and not row["provider_id"]:
            assert not seconds
            assert not row["provider_charge"]
            continue
        talk = Decimal(row["duration"])
        least, step = int(row[f"{side}_card_mcd"]), int(row[f"{side}_card_pulse"])
        billed = math.ceil(max(talk, Decimal(least)) / step) * step if talk else 0
        assert int(seconds) == billed
        assert Decimal(row[f"{side}_charge"]) == charge(seconds, rate)


def test_the_day_has_a_rhythm_and_stays_a_day(rows: Rows) -> None:
    hours = Counter(row["dt"][11:13] for row in rows)
    assert {row["dt"][:10] for row in rows} == {"2026-03-02"}
    assert len(hours) == 24
    assert hours["15"] > 5 * hours["03"]


def test_weekends_are_quiet() -> None:
    counts = tables.rows_by_day(MONDAY, 7, 1000)
    assert sum(counts) == 7000
    assert max(counts[5:]) < 0.65 * min(counts[:5])
    assert tables.rows_by_day(date(2026, 3, 7), 1, 1000) == [1000]


def test_quality_and_accounts(rows: Rows) -> None:
    answered = [row for row in rows if row["duration"] != "0"]
    assert 0.35 < len(answered) / len(rows) < 0.6
    assert 0.05 < sum(float(row["duration"]) <= 6 for row in answered) / len(answered) < 0.3
    assert {row["provider_id"] for row in rows} == {"", *(str(p.number) for p in world.PROVIDERS)}
    customers = Counter(row["customer_id"] for row in rows)
    assert len(customers) == len(world.CUSTOMERS)
    assert customers["101"] > 10 * customers["140"]
    assert {"486", "480", "487", "404", "503", "200"} <= {row["sip_code"] for row in rows}
    assert any("," in row["provider_card_dest_name"] for row in rows)
    assert {row["customer_card_currency"] for row in rows} == {"USD", "GBP", "EUR"}


def test_one_carrier_drops_dtmf(rows: Rows) -> None:
    ivrs = {str(customer.number) for customer in world.CUSTOMERS if customer.ivr}
    share = {}
    for provider in world.PROVIDERS:
        mine = [
            row for row in rows
            if row["provider_id"] == str(provider.number)
            and row["duration"] != "0" and row["customer_id"] in ivrs
        ]  # fmt: skip
        share[provider.number] = sum(bool(row["dtmf"]) for row in mine) / len(mine)
    assert share.pop(12) < 0.1
    assert min(share.values()) > 0.25
    assert not any(row["dtmf"] for row in rows if row["customer_id"] not in ivrs)


def test_some_traffic_loses_money(rows: Rows) -> None:
    for provider, destination in world.LOSSES:
        mine = [
            row for row in rows
            if row["provider_id"] == str(provider) and row["customer_card_dest_name"] == destination
        ]  # fmt: skip
        assert mine
        currency = world.CURRENCY_PER_USD
        for row in mine:
            sold = float(row["customer_card_rate"]) / currency[row["customer_card_currency"]]
            bought = float(row["provider_card_rate"]) / currency[row["provider_card_currency"]]
            assert bought > sold


def test_numbers_are_dirty_and_real(rows: Rows) -> None:
    callers = Counter(classify(row["dest_cli"], True, PLAN).kind for row in rows)
    assert {Kind.US, Kind.FOREIGN, Kind.MISSING, Kind.WITHHELD, Kind.INVALID} <= set(callers)
    called = Counter(classify(row["dest_number"], False, PLAN).kind for row in rows)
    assert set(called) == {Kind.US, Kind.FOREIGN, Kind.NON_GEOGRAPHIC}
    places = [classify(row["dest_number"], False, PLAN) for row in rows]
    assert all(place.rate_center for place in places if place.kind is Kind.US)
    ported = [row["lrn_number"] for row in rows if row["lrn_number"]]
    assert ported
    assert all(classify(n, False, PLAN).is_north_american for n in ported)


def test_a_seed_gives_the_same_files_with_any_number_of_threads_and_packed(tmp_path: Path) -> None:
    def made(name: str, seed: int, **how: Any) -> list[Path]:
        return generate(tmp_path / name, MONDAY, 2, 2000, seed, dirty_share=0.05, **how)

    plain, packed = made("plain", 3, threads=1), made("packed", 3, threads=3, gzip=True)
    assert [path.name for path in packed] == ["cdr_20260302.csv.gz", "cdr_20260303.csv.gz"]
    for one, other in zip(plain, packed, strict=True):
        assert one.read_bytes() == gzip.decompress(other.read_bytes())
    assert plain[0].read_bytes() != made("other", 4, threads=1)[0].read_bytes()
    lines = plain[0].read_text().splitlines()
    seen = Counter(lines)
    assert max(seen.values()) == 2
    assert 20 < sum(count == 2 for count in seen.values()) < 80
    fields = Counter(len(fields) for fields in csv.reader(lines))
    assert set(fields) == {60, 57}


def test_accounts(tmp_path: Path) -> None:
    write_accounts(tmp_path)
    assert read_customers(tmp_path)["140"] == "Test & Turn-up, Inc."
    assert read_providers(tmp_path)["12"] == "Quietline Networks"
    own = read_dids(tmp_path)
    assert len(own) == 300
    assert all(classify(number, True, PLAN).state == "NJ" for number in own)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "landing"
    main(["--folder", str(folder), "--first-day", "2026-03-07", "--rows", "100", "--gzip"])
    assert capsys.readouterr().out.strip() == str(folder / "cdr_20260307.csv.gz")


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 days of 10 rows"):
        generate(tmp_path, MONDAY, 0, 10, 1)
    with pytest.raises(ValueError, match="dirty_share is 2"):
        generate(tmp_path, MONDAY, 1, 10, 1, dirty_share=2)
