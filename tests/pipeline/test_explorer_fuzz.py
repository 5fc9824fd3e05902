"""Whatever is asked of the explorer, it answers or refuses; it never breaks."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.pages import PAGES
from explorer.view import NAMES
from resources.reporting.reports import REPORTS
from tests.pipeline.explorers import Browser, add_user, serving
from tests.pipeline.offices import make_built

COLUMNS = sorted({n for f in REPORTS.values() for r in f.members.values() for n in r.names})
CHOICES = sorted({c for family in REPORTS.values() for c in family.members})
ODD = st.sampled_from(
    ["", "-", ",", "=", "'", '"', "%", "\0", "\u202e", "\ud800", "9" * 40, "1e309", "NaN", "--",
     "a=b=c", "';--", "../../etc/passwd", "<script>", "=cmd()", "🙂", "0001-01-01", "9999-12-31",
     "-0", "\r\n"]
)  # fmt: skip
TEXT = ODD | st.text(max_size=8)
NAMED = st.lists(st.sampled_from(COLUMNS), max_size=4).map(",".join)
VALUES = {
    "report": st.sampled_from([*REPORTS, *REPORTS, "x"]) | TEXT,
    "choice": st.sampled_from(CHOICES) | TEXT,
    "from": st.sampled_from(["2026-03-06", "2026-03-08", "2026-13-01"]) | TEXT,
    "to": st.sampled_from(["2026-03-06", "2026-03-08", "9999-12-31"]) | TEXT,
    "last": st.sampled_from(["7d", "today", "last-month", "0d", "99999d"]) | TEXT,
    "group": NAMED | TEXT,
    "split": NAMED | TEXT,
    "columns": NAMED | TEXT,
    "sort": NAMED.map(lambda text: f"-{text}") | TEXT,
    "top": st.integers(-1, 10).map(str) | TEXT,
    "compare": st.sampled_from(["previous", "year", "none"]) | TEXT,
    "currency": st.sampled_from(["EUR", "GBP", "xyz"]) | TEXT,
    "as": st.sampled_from(["cli", "destination", "either"]) | TEXT,
    "customers": st.sampled_from(["101", "SkyCore", "102"]) | TEXT,
    "providers": st.sampled_from(["7", "Tierone"]) | TEXT,
    "filter": st.tuples(st.sampled_from(COLUMNS), TEXT).map("=".join) | TEXT,
    "number": st.sampled_from(["442071234567", "+1 (212) 226-0001"]) | TEXT,
    "levels": st.sampled_from(["0", "1"]) | TEXT,
    "limit": st.integers(-1, 10).map(str) | TEXT,
    "offset": st.integers(-1, 10).map(str) | TEXT,
    "dimension": st.sampled_from(COLUMNS) | TEXT,
    "search": TEXT,
    "side": st.sampled_from(["customers", "providers"]) | TEXT,
    "schedule": TEXT,
    "state": TEXT,
    "account": TEXT,
}
LIKELY = ["report", "from", "to", "group", "columns"]
PATHS = [page.path for page in PAGES if "GET" in page.methods]
SUMS = [path for path in PATHS if path.startswith(("/api/rows", "/api/members", "/download"))]


@st.composite
def requests(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from([*SUMS * 6, "/api/calls", "/api/calls", *PATHS]))
    parts = {
        "fmt": draw(st.sampled_from(["csv", "json", "parquet", "xls"])),
        "name": draw(st.sampled_from([*REPORTS, "nightly", "x%00", "..%2f"])),
        "number": draw(st.sampled_from(["1", "0", "-1", "9" * 30, "x", "%ff"])),
        "file": "x.csv",
        "path": draw(st.sampled_from(["x", "api/x", "%00", "reports/%F0%9F"])),
    }
    for name, value in parts.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    names = draw(st.lists(st.sampled_from([*LIKELY * 4, *VALUES]), max_size=8, unique=True))
    pairs = [(name, draw(VALUES[name])) for name in names]
    # Days that hold calls, most times, so that there are rows to go wrong with.
    if draw(st.integers(0, 3)):
        pairs = [p for p in pairs if p[0] not in ("from", "to", "last")]
        pairs += [("from", "2026-03-06"), ("to", "2026-03-08")]
    if path == "/api/calls":
        pairs = [p for p in pairs if p[0] != "report"] + [("report", "per-number")]
    return f"{path}?{urlencode(pairs, errors='surrogatepass')}"


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Browser]]:
    workplace = make_built(tmp_path_factory.mktemp("fuzzed"))
    add_user(workplace, "otto", "operator")
    add_user(workplace, "sky", "customer", "101")
    with serving(workplace) as (_, port):
        found = [Browser(port), Browser(port)]
        assert found[0].log_in("otto").status == found[1].log_in("sky").status == 303
        yield found


def test_the_fuzz_knows_every_parameter() -> None:
    assert set(NAMES) <= set(VALUES)


@settings(
    max_examples=120,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(target=requests(), who=st.integers(0, 1))
def test_no_request_breaks_the_server(browsers: list[Browser], target: str, who: int) -> None:
    got = browsers[who].get(target)
    healthz = target.startswith("/healthz")
    assert got.status < 500 or (healthz and got.status == 503), (target, got.text)
    if who == 1 and got.status == 200 and not target.startswith(("/static", "/login")):
        assert "tierone" not in got.text.lower()


FORMS = ["/schedules/new", "/schedules/edit/none", "/schedules/send/none", "/deliveries/7/resend",
         "/files/7/withdraw", "/login", "/no/such"]  # fmt: skip
FIELDS = ["name", "report", "group", "columns", "frequency", "time", "timezone", "email", "cc",
          "bcc", "customers", "providers", "formats", "currency", "audience", "fan_out",
          "on_change", "incomplete", "password", "next"]  # fmt: skip


@settings(
    max_examples=30,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(FORMS),
    form=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=12), max_size=8),
)
def test_no_form_breaks_the_server(
    browsers: list[Browser], path: str, form: dict[str, str]
) -> None:
    form = {name: value.encode("utf-8", "replace").decode() for name, value in form.items()}
    got = browsers[0].post(path, form)
    assert got.status < 500, (path, form, got.text)
