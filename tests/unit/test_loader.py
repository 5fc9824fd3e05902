"""Newer number plans in NANPA's and CNAC's published forms."""

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli.reference import reference
from pipelines.settings import Settings, load_settings
from resources.reference import plan
from resources.reference.loader import Code, LoadError, carry_latas, load, read_cnac, read_nanpa
from resources.reference.plan import Exchange, ReferenceData
from tests.unit.shipped import PLAN

NANPA_HEADER = (
    "State\tNPA-NXX\tOCN\tCompany\tRateCenter\tEffectiveDate\tUse\tAssignDate\tInitial/Growth\t"
    "Pooled Code\tIn Service\tFile Updated 06/01/2026"
)
CNAC_HEADER = '"NPA","CO Code (NXX)","Status","Exchange Area","Province","Company","OCN","Remarks"'
US = {n: e for n, e in PLAN.exchanges.items() if e.country == "US"}
CANADA = {n: e for n, e in PLAN.exchanges.items() if e.country == "CA"}
NEXT_IN_NJ = 2 + sum(place.region == "NJ" for place in US.values())
"""The line behind New Jersey's, which hold an area code, 201, of which 201-200 is the first."""


def nanpa_line(npanxx: str, state: str, centre: str, use: str = "AS", ocn: str = "9206") -> str:
    """One line as published: padded, the company quoted."""
    return (
        f'{state}\t{npanxx[:3]}-{npanxx[3:]} \t{ocn}\t"BELL, INC."\t{centre:<10}\t06/01/1990\t'
        f"{use}\t01/02/1990\tI\tN\tY\t"
    )


@cache
def nanpa_text(*more: str, state: str | None = None, header: str = NANPA_HEADER) -> str:
    """The shipped US plan, or one state of it, as NANPA publishes it, and further lines."""
    lines = [
        nanpa_line(npanxx, place.region or "", place.rate_center or "XXXXXXXXXX")
        for npanxx, place in US.items()
        if state in (None, place.region)
    ]
    return "\r\n".join([header, *lines, *more, ""])


@cache
def cnac_text(*more: str, leave_out: str = "") -> str:
    """The shipped Canadian plan as CNAC publishes it, and further lines."""
    lines = [
        f'{npanxx[:3]},{npanxx[3:]},"In Service","{place.rate_center}","{place.region or ""}",'
        f'"Société, Inc.","8051",'
        for npanxx, place in CANADA.items()
        if npanxx != leave_out
    ]
    return "\r\n".join([CNAC_HEADER, *lines, *more, ',,,,,,,"2026-06-01"', ""])


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def exchanges(home: Path) -> dict[str, Exchange]:
    return ReferenceData.of_home(home).load_plan().exchanges


def test_nanpa_replaces_the_us_and_keeps_canada(tmp_path: Path) -> None:
    new = nanpa_line("201911", "NJ", "HACKENSACK")
    unused = nanpa_line("201912", "NJ", "HACKENSACK", use="UA")
    file = write(tmp_path / "n.txt", nanpa_text(new, unused))
    (report,) = load(tmp_path, file, None)
    assert (report.country, report.rows, report.added, report.removed) == ("US", 194_541, 1, 0)
    assert report.skipped == {"UA": 1}
    assert (report.gone_regions, report.unknown_npas, report.without_lata) == ((), (), 48)
    found = exchanges(tmp_path)
    assert found.pop("201911") == Exchange("201911", "US", "NJ", "HACKENSACK", "224")
    assert found == PLAN.exchanges
    assert [path.name for path in (tmp_path / "reference").iterdir()] == [plan.NPANXX]
    # A second load builds on the first.
    (report,) = load(tmp_path, file, None)
    assert (report.added, report.removed, report.changed) == (0, 0, 0)


def test_cnac_replaces_canada_and_keeps_the_us(tmp_path: Path) -> None:
    text = cnac_text('204,201,"Not Available","","","","",', leave_out="204201")
    packed = tmp_path / "COCodeStatus_ALL.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("COCodeStatus_ALL.csv", text.encode("cp1252"))
    (report,) = load(tmp_path, None, packed)
    assert (report.country, report.rows, report.added, report.removed) == ("CA", 28_077, 0, 1)
    assert report.skipped == {"Not Available": 1}
    expected = dict(PLAN.exchanges)
    del expected["204201"]
    assert exchanges(tmp_path) == expected


def test_forms(tmp_path: Path) -> None:
    four = [("925655", "CA", "CONCORD"), ("904788", "FL", "ST JOHNS"),
            ("267276", "PA", "PHPHSBZN43"), ("774813", "MA", "WHITINSVL")]  # fmt: skip
    filler = [(f"212{n}", "NY", "NWYRCYZN01") for n in range(200, 1000)]
    filler += [(f"315{n}", "NY", "SYRACUSE") for n in range(200, 1000)]
    tabs = [NANPA_HEADER, *(nanpa_line(*row) for row in [*four, *filler]), ""]
    commas = ["\ufeffState,NPA-NXX,OCN,Company,RateCenter,Use"]
    commas += [f'{s},{n[:3]}-{n[3:]},9206,"BELL, INC.",{c},AS' for n, s, c in [*four, *filler]]
    one, _ = read_nanpa(write(tmp_path / "a.txt", "\n".join(tabs)))
    other, _ = read_nanpa(write(tmp_path / "b.csv", "\n".join(commas)))
    assert one == other
    assert one[0] == Code("925655", "US", "CA", "CONCORD", None, None, "9206", "BELL, INC.")
    assert [code.rate_center for code in one[:4]] == [centre for *_, centre in four]


def test_latas_are_carried_over() -> None:
    def code(npanxx: str, centre: str | None, lata: str | None = None, how: str = "rc") -> Code:
        return Code(npanxx, "US", "XX", centre, lata, how if lata else None, None, None)

    in_force = [
        code("200200", "ALPHA", "100"), code("200201", "BETA", "100"),
        code("300200", "BETA", "300", "rc+npa"), code("300201", "GAMMA", "301"),
    ]  # fmt: skip
    wanted = {
        code("300200", "BETA"): ("300", "rc+npa"),  # as before
        code("400200", "ALPHA"): ("100", "rc"),
        code("300202", "BETA"): ("300", "rc+npa"),
        code("400201", "BETA"): (None, "none"),  # two LATAs, and neither area code
        code("300201", "DELTA"): ("301", "prefix"),
        code("200202", "DELTA"): ("100", "npa"),
        code("300203", "DELTA"): (None, "none"),
        code("200203", None): ("100", "npa"),
    }
    found = carry_latas(list(wanted), in_force)
    assert [(code.lata, code.lata_source) for code in found] == list(wanted.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column 'npanxx' in the header ''"),
        (CNAC_HEADER + "\n", "no column 'npanxx' in the header"),
        (nanpa_text(state="AK"), "assigned codes, fewer than 1000"),
        (
            nanpa_text("NJ\t201-111\tx\tx\tx\tx\tAS", state="NJ"),
            f"line {NEXT_IN_NJ}: '201111' is no area code",
        ),
        (nanpa_text("NJ\tTotal", state="NJ"), f"line {NEXT_IN_NJ}: 'Total' is no area code"),
        (
            nanpa_text(nanpa_line("201200", "NJ", "ELSEWHERE"), state="NJ"),
            f"line {NEXT_IN_NJ}: 201-200 was already in line 2",
        ),
        (
            nanpa_text(state="NJ", header="State\tNPA-NXX\tOCN\tCompany\tUse"),
            "no column 'ratecenter'",
        ),
    ],
    ids=["empty", "other file", "too few", "no exchange", "footer", "twice", "no column"],
)
def test_unfit_files_are_refused_and_nothing_is_written(
    tmp_path: Path, text: str, message: str
) -> None:
    text = text.replace("201-111", "201111")
    with pytest.raises(LoadError, match=message):
        load(tmp_path, write(tmp_path / "n.txt", text), None)
    assert not (tmp_path / "reference").exists()


def test_other_unfit_files(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no file given"):
        load(tmp_path, None, None)
    with pytest.raises(LoadError, match="no column 'npa'"):
        read_cnac(write(tmp_path / "n.txt", nanpa_text(state="AK")))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.txt", "")
        archive.writestr("b.txt", "")
    with pytest.raises(LoadError, match="2 text files in the zip"):
        read_nanpa(tmp_path / "two.zip")
    with pytest.raises(LoadError, match="cannot be read"):
        read_nanpa(tmp_path / "absent.txt")


def test_a_code_of_both_countries_is_refused(tmp_path: Path) -> None:
    text = nanpa_text(nanpa_line("204201", "NJ", "HACKENSACK"), state="NJ")
    with pytest.raises(LoadError, match="204-201 is assigned in both countries"):
        load(tmp_path, write(tmp_path / "n.txt", text), None)


@dataclass
class Context:
    settings: Settings


def test_the_commands(tmp_path: Path) -> None:
    context, runner = Context(load_settings(home=tmp_path)), CliRunner()
    text = nanpa_text(nanpa_line("999200", "NY", "NEW"), nanpa_line("201911", "NJ", "X", use="RV"))
    file = write(tmp_path / "n.txt", text)
    result = runner.invoke(reference, ["load", "--nanpa", str(file)], obj=context)
    assert result.exit_code == 0, result.output
    assert "United States: 194,541 codes, 1 added, 0 removed" in result.output
    assert "left out: 1 RV" in result.output
    assert "area codes 999 are not in nanp_npa.csv" in result.output
    result = runner.invoke(reference, ["show"], obj=context)
    assert result.exit_code == 0, result.output
    assert "222,619" in result.output
    assert "shipped" in result.output
    own = tmp_path / "reference" / "nanp_npanxx.parquet"
    assert f" {own} " in result.output  # whole, as all that goes into a pipe
    result = runner.invoke(reference, ["load"], obj=context)
    assert result.exit_code == 2
    file.write_text("nothing")
    result = runner.invoke(reference, ["load", "--nanpa", str(file)], obj=context)
    assert result.exit_code == 1
    assert "no column 'npanxx'" in result.output


def test_whose_exchange_rates_are_in_force_is_shown(tmp_path: Path) -> None:
    context, runner = Context(load_settings(home=tmp_path)), CliRunner()

    def shown() -> str:
        lines = runner.invoke(reference, ["show"], obj=context).output.splitlines()
        return " ".join(next(line for line in lines if line.startswith("exchange rates")).split())

    assert shown().startswith("exchange rates shipped 2")
    newer = tmp_path / "newer.zip"
    with zipfile.ZipFile(newer, "w") as archive:
        archive.writestr("eurofxref-hist.csv", "Date,USD,GBP,\n2090-01-02,2,0.5,\n")
    loaded = runner.invoke(reference, ["load", "--rates", str(newer)], obj=context)
    assert loaded.exit_code == 0, loaded.output
    own = tmp_path / "reference" / "eurofxref-hist.zip"
    assert shown() == f"exchange rates {own} 2090-01-02 1"


def test_states_that_vanish_are_said(tmp_path: Path) -> None:
    file = write(tmp_path / "n.txt", nanpa_text(state="NJ"))
    result = CliRunner().invoke(
        reference, ["load", "--nanpa", str(file)], obj=Context(load_settings(home=tmp_path))
    )
    assert "no code any more in AK, AL" in result.output
