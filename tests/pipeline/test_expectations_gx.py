"""Great Expectations' verdict on what was found, and the pages that people read of it."""

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from resources.expectations import DayFacts, NotEvaluated, Verdict, expectations
from resources.expectations.docs import write_docs
from resources.expectations.rules import Finding, Profile, findings
from resources.expectations.validation import passed, validate

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 6)


def judged(*found: Finding) -> dict[str, bool]:
    return dict(passed(found, validate(found, DAY)))


def body(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("<body>")[1]


COUNT = Finding("row_count_matches_accounts", 9, 9, 9)


def written(docs: Path, day: date, *found: Finding, examples: tuple[str, ...] = ()) -> None:
    if COUNT.name not in [f.name for f in found]:
        found = (COUNT, *found)
    result = validate(found, day)
    met = passed(found, result)
    known = expectations()
    verdicts = [
        Verdict(f.name, known[f.name][0], met[f.name], f.value, f.low, f.high, examples)
        for f in found
    ]
    write_docs(docs, day, verdicts, result)


def test_a_month_without_any_connected_call_has_bounds_too() -> None:
    start = datetime(2026, 3, 6, tzinfo=UTC)
    history = [(10, 0, Decimal(0))] * 28
    facts = DayFacts(DAY, start, start + timedelta(days=1), 10, 86400, frozenset(), history)
    found = findings(Profile(10, 4, Decimal(100), {}), facts)
    assert [f for f in found if f.name == "connected_share_unusual"] == [
        Finding("connected_share_unusual", Decimal("0.4"), Decimal(0), Decimal(0))
    ]
    verdicts = judged(*found)
    assert not verdicts["connected_share_unusual"]
    assert not verdicts["mean_talk_time_unusual"]


class TestValidation:
    @pytest.mark.parametrize("off", [0, 1, -1])
    @pytest.mark.parametrize("count", [0, 7, 2**53, 2**62])
    def test_counts_are_compared_exactly(self, count: int, off: int) -> None:
        """2^53 and 2^53 + 1 are the same float."""
        found = Finding("row_count_matches_accounts", count + off, count, count)
        assert judged(found) == {"row_count_matches_accounts": off == 0}

    @pytest.mark.parametrize(
        ("value", "met"),
        [("0.2", True), ("0.8", True), ("0.19999", False), ("0.80001", False)],
    )
    def test_means_lie_within_bounds(self, value: str, met: bool) -> None:
        low, high = Decimal("0.2"), Decimal("0.8")
        found = Finding("connected_share_unusual", Decimal(value), low, high)
        assert judged(found) == {"connected_share_unusual": met}

    def test_severities_reach_great_expectations(self) -> None:
        result = validate([Finding("key_repeated", 1), Finding("dtmf_unusually_long", 1)], DAY)
        assert {
            o.expectation_config.kwargs["column"]: o.expectation_config.severity.value
            for o in result.results
        } == {"key_repeated": "critical", "dtmf_unusually_long": "warning"}

    def test_no_number_is_no_verdict(self) -> None:
        found = Finding("connected_share_unusual", Decimal("NaN"), Decimal(0), Decimal(1))
        with pytest.raises(NotEvaluated, match="connected_share_unusual"):
            judged(found)

    def test_an_expectation_that_raised_is_no_verdict(self) -> None:
        found = [Finding("key_repeated", 0)]
        result = validate(found, DAY)
        broken = validate([Finding("key_repeated", 2**70)], DAY)  # no column of whole numbers
        assert passed(found, result) == {"key_repeated": True}
        assert passed([Finding("key_repeated", 2**70)], broken) == {"key_repeated": False}
        result.results[0].result = {}
        result.results[0].exception_info = {"raised_exception": True, "exception_message": "bang"}
        with pytest.raises(NotEvaluated, match="bang"):
            passed(found, result)

    def test_an_expectation_without_a_result_is_no_verdict(self) -> None:
        result = validate([Finding("key_repeated", 0)], DAY)
        with pytest.raises(NotEvaluated, match="no verdict on customer_missing"):
            passed([Finding("key_repeated", 0), Finding("customer_missing", 0)], result)


class TestDocs:
    def test_all_days_are_listed_newest_first(self, tmp_path: Path) -> None:
        for offset in (1, 0, 2):
            written(tmp_path, DAY + timedelta(days=offset), Finding("key_repeated", offset))
        index = body(tmp_path / "index.html")
        assert re.findall(r'href="(.*?)"', index) == [
            "days/2026-03-08.html", "days/2026-03-07.html", "days/2026-03-06.html",
        ]  # fmt: skip
        assert re.findall(r"(?:✔|✘) (?:passed|failed)", index) == [
            "✘ failed", "✘ failed", "✔ passed",
        ]  # fmt: skip
        assert "key_repeated: 2 attempts, expected 0" in index

    def test_a_page_says_what_was_expected(self, tmp_path: Path) -> None:
        written(
            tmp_path,
            DAY,
            Finding("row_count_matches_accounts", 9, 10, 10),
            Finding("dtmf_unusually_long", 1234),
            Finding("mean_talk_time_unusual", Decimal("20.5"), Decimal(50), Decimal(400)),
            examples=("connexcs/<script>alert(1)</script>/0",),
        )
        page = (tmp_path / "days" / "2026-03-06.html").read_text(encoding="utf-8")
        known = expectations()
        for name in ("row_count_matches_accounts", "dtmf_unusually_long", "mean_talk_time_unusual"):
            severity, text = known[name]
            assert f"{severity}: {text}".replace("'", "'") in page  # by Great Expectations
        assert "found 9 of 10" in page
        assert "20.5" in page
        assert "not published" in page
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)" in page

    def test_pages_load_nothing_from_elsewhere(self, tmp_path: Path) -> None:
        written(tmp_path, DAY, Finding("key_repeated", 1))
        for page in tmp_path.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            assert not re.search(r"https?:|//\w|@import|url\(|<script|<link|<img", text)

    def test_only_the_newest_run_of_a_day_is_kept(self, tmp_path: Path) -> None:
        written(tmp_path, DAY, Finding("key_repeated", 5))
        written(tmp_path, DAY, Finding("key_repeated", 0))
        index = body(tmp_path / "index.html")
        assert index.count("days/2026-03-06.html") == 1
        assert "✘" not in index
        assert sorted(p.name for p in (tmp_path / "days").iterdir()) == [
            "2026-03-06.html", "2026-03-06.json",
        ]  # fmt: skip

    def test_a_warning_is_no_failure(self, tmp_path: Path) -> None:
        written(tmp_path, DAY, Finding("dtmf_unusually_long", 1))
        assert "✔ with warnings" in (tmp_path / "index.html").read_text(encoding="utf-8")
        page = (tmp_path / "days" / "2026-03-06.html").read_text(encoding="utf-8")
        assert "Passed, with warnings" in page
        assert "not published" not in page

    def test_a_line_that_cannot_be_read_does_not_stop_other_days(self, tmp_path: Path) -> None:
        written(tmp_path, DAY, Finding("key_repeated", 0))
        (tmp_path / "days" / "2026-03-06.json").write_text('{"day": ')
        written(tmp_path, DAY + timedelta(days=1), Finding("key_repeated", 0))
        index = body(tmp_path / "index.html")
        assert "2026-03-06.json" in index
        assert "build the day again" in index
        assert json.loads((tmp_path / "days" / "2026-03-07.json").read_text())["errors"] == []


OFFLINE = """
import sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        raise BaseException(f"{event} {args}")

sys.addaudithook(refuse)
from datetime import date
from pathlib import Path
import resources.expectations
assert "great_expectations" not in sys.modules, "importing must not cost seconds"
from resources.expectations.docs import write_docs
from resources.expectations.rules import Finding, Verdict
from resources.expectations.validation import passed, validate
found = [Finding("row_count_matches_accounts", 1, 0, 0)]
result = validate(found, date(2026, 3, 6))
print(passed(found, result))
verdict = Verdict("row_count_matches_accounts", "error", False, 1, 0, 0)
write_docs(Path(sys.argv[1]), date(2026, 3, 6), [verdict], result)
"""


def test_nobody_is_phoned(tmp_path: Path) -> None:
    """From the first import on, in a process of its own; and nothing is left in the user's home."""
    home = tmp_path / "user"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(tmp_path / "docs")],
        cwd=ROOT,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'row_count_matches_accounts': False}"
    assert list(home.iterdir()) == []
