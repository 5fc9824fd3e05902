"""Who may do what in the explorer: tried on every route, as every role, and as who is not known."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from explorer.access import EVERYBODY, INSIDE, OPERATORS
from explorer.explorer import Explorer
from explorer.guard import Refused, check_bind, hashed
from explorer.pages import PAGES
from pipelines.assembly import Workplace
from pipelines.cli.main import Program, cli
from tests.pipeline.curious import PERIOD, customers_questions, echoed, texts, what_somebody_tries
from tests.pipeline.explorers import PASSWORD, Browser, add_user, csrf, serving
from tests.pipeline.offices import copied, make_built

FORBIDDEN = ("provider", "tierone", "budget", "profit", "cost", "brightline", "callblast", "vendor",
             "margin", "saving")  # fmt: skip
"""What no answer for the customer SkyCore holds: its calls' other side, and other customers."""

SCHEDULE = {"name": "nightly", "email": "a@example.com", "formats": "csv", "report": "breakout"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def served(
    built: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Explorer, int]]:
    """A home with a user of each role, and a schedule."""
    workplace = copied(built, tmp_path_factory.mktemp("users") / "home", smtp_port=1)
    home = workplace.settings.home
    (home / "reports").mkdir()
    for name, lines in {
        "ours": "filters:\n  customers: skycore, 102\n",
        "both": "filters:\n  customer: [SkyCore, Brightline]\n",
        "theirs": "filters:\n  customers: [Brightline]\n",
        "theirs-by-name": "filters:\n  customer: Brightline\n",
        "theirs-by-id": "filters:\n  customer_id: 102\n",
        "hidden": "filters:\n  provider: Tierone\n",
    }.items():
        text = f"title: {name}\nreport: breakout\ngroup: [customer]\n{lines}"
        (home / "reports" / f"{name}.yaml").write_text(text)
    for name, role, *customers in (
        ("vera", "viewer"), ("otto", "operator"), ("sky", "customer", "101"),
    ):  # fmt: skip
        add_user(workplace, name, role, *customers)
    with serving(workplace) as (explorer, port):
        otto = Browser(port)
        otto.log_in("otto")
        assert otto.post("/schedules/new", SCHEDULE).status == 303
        yield explorer, port


def logged_in(port: int, name: str) -> Browser:
    browser = Browser(port)
    assert browser.log_in(name).status == 303
    return browser


@pytest.fixture(scope="module")
def sky(served: tuple[Explorer, int]) -> Browser:
    return logged_in(served[1], "sky")


@pytest.fixture(scope="module")
def vera(served: tuple[Explorer, int]) -> Browser:
    return logged_in(served[1], "vera")


PARTS = {"name": "nightly", "fmt": "csv", "number": "1", "file": "x.csv", "path": "nothing"}


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: PARTS[found[1]], path)


def test_every_route_says_who_may(served: tuple[Explorer, int]) -> None:
    """Nothing is served that is not in the list, and nothing in it is open by an oversight."""
    from explorer.explorer import application

    routes = application(served[0]).routes
    assert len(routes) == len(PAGES)
    assert all(hasattr(route, "page") for route in routes)
    anybody = {page.path for page in PAGES if page.roles is None}
    assert anybody == {"/healthz", "/login", "/logout", "/static/{name}", "/{path:path}"}
    assert {page.roles for page in PAGES} == {None, EVERYBODY, INSIDE, OPERATORS}
    posting = {p.path for p in PAGES if "POST" in p.methods} - {"/login", "/logout"}
    assert {p.path for p in PAGES if p.roles == OPERATORS and "POST" in p.methods} == posting


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.methods[0]} {page.path}")
def test_each_route_as_each_role(served: tuple[Explorer, int], page: object) -> None:
    """Who may not, is refused before anything is looked at, and without a word of it."""
    port, path = served[1], filled(page.path)  # type: ignore[attr-defined]
    roles, method = page.roles, page.methods[0]  # type: ignore[attr-defined]
    if roles is None:
        return
    stranger = Browser(port)
    stranger.token = csrf(stranger.get("/login"))
    got = stranger.get(path) if method == "GET" else stranger.post(path)
    assert got.status in ((401,) if page.api or method == "POST" else (303,))  # type: ignore[attr-defined]
    if got.status == 303:
        assert got.headers["location"].startswith("/login?next=%2F")
    for name, role in (("sky", "customer"), ("vera", "viewer")):
        if role in roles:
            continue
        browser = logged_in(port, name)
        refused = browser.get(path) if method == "GET" else browser.post(path)
        assert refused.status == 403, (name, path)
        assert "this is not for you" in refused.text


def answered(sky: Browser, questions: Iterable[tuple[str, list[tuple[str, str]]]]) -> int:
    """Looks for what is forbidden in every answer; how many questions were not refused."""
    asked = 0
    for path, query in questions:
        answer = sky.get(path, query)
        assert answer.status < 500 or path == "/healthz", (path, query, answer.text)
        refused = answer.status >= 400
        asked += not refused
        for text in texts(answer):
            found = text.lower().replace("unit cost", "")  # what kind of number a rate is
            if refused:
                found = echoed(found, query)
            for word in FORBIDDEN:
                assert word not in found, (word, path, query, answer.status, text[:2000])
    return asked


def test_a_customer_finds_nothing_of_others_anywhere(sky: Browser) -> None:
    assert answered(sky, customers_questions()) > 50


def test_a_refusal_names_no_folder_of_the_house(sky: Browser, built: Workplace) -> None:
    got = sky.get("/api/rows", [("report", "did-as-cli"), *PERIOD])
    assert (got.status, "dids.csv of the home has no numbers" in got.text) == (400, True)
    assert str(built.settings.home.parent.parent) not in got.text


def test_a_customer_that_knows_better_finds_nothing_either(sky: Browser) -> None:
    assert answered(sky, what_somebody_tries()) == 5  # filters by other customers: no rows


def test_a_customer_sees_its_own_rows(sky: Browser, vera: Browser) -> None:
    """SkyCore has two attempts a day; the house has three."""
    query = [("report", "breakout"), ("group", "date"), ("columns", "attempts"), *PERIOD]
    assert sky.get("/api/rows", query).table["attempts"].to_pylist() == [2, 2, 2]
    assert vera.get("/api/rows", query).table["attempts"].to_pylist() == [3, 3, 3]
    # Also of a report of the house that names it in other letters.
    ours = [("report", "ours"), ("columns", "attempts"), *PERIOD]
    assert sky.get("/api/rows", ours).table["attempts"].to_pylist() == [6]
    assert vera.get("/api/rows", ours).table["attempts"].to_pylist() == [6, 3]
    whole = [("report", "breakout"), ("group", "customer"), *PERIOD]
    assert sky.get("/api/rows", whole).table["customer"].to_pylist() == ["SkyCore"]
    assert sky.get("/api/accounts").json["accounts"] == [{"id": "101", "name": "SkyCore"}]
    empty = [
        ("report", "breakout"),
        ("from", "2025-01-01"),
        ("to", "2025-01-02"),
        ("group", "date"),
    ]
    assert sky.get("/api/rows", empty).table.num_rows == 0
    of_other = [*whole, ("filter", "customer=Brightline")]
    assert sky.get("/api/rows", of_other).table.num_rows == 0


def test_viewers_see_and_do_not_change(vera: Browser) -> None:
    page = vera.get("/schedules/show/nightly")
    assert page.status == 200
    assert "Send now" not in page.text
    for path in ("/schedules/send/nightly", "/schedules/remove/nightly", "/files/1/withdraw"):
        assert vera.post(path).status == 403
    assert vera.get("/schedules/show/nightly").status == 200


def test_without_the_forms_token_nothing_happens(served: tuple[Explorer, int]) -> None:
    explorer, port = served
    otto = logged_in(port, "otto")
    for token in ("", "x" * 64, logged_in(port, "otto").token):
        otto.token = token or "-"
        got = otto.post("/schedules/pause/nightly")
        assert got.status == 403
        assert "load the page again" in got.text
    assert explorer.workplace.schedules.named("nightly").enabled
    otto.token = ""
    assert otto.post("/schedules/pause/nightly").status == 303
    header = {"X_CSRF_Token": csrf(otto.get("/"))}  # as scripts send it, without a field
    assert otto._ask("POST", "/schedules/resume/nightly", "", header).status == 303


def test_a_session_cookie(served: tuple[Explorer, int]) -> None:
    port = served[1]
    got = Browser(port).get("/login")
    cookie = got.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # this is HTTP; behind a proxy with HTTPS it is, see below
    vera = logged_in(port, "vera")
    name, value = next(iter(vera.cookies.items()))
    for forged in (value[:-2], "a" + value, "", value.replace(".", "..", 1)):
        assert Browser(port, cookies={name: forged}).get("/api/catalogue").status == 401
    stolen = Browser(port, cookies=dict(vera.cookies))
    assert stolen.get("/api/catalogue").status == 200
    assert vera.post("/logout").status == 303
    assert stolen.get("/api/catalogue").status == 401


def test_a_new_password_ends_all_sessions(served: tuple[Explorer, int]) -> None:
    explorer, port = served
    add_user(explorer.workplace, "Pia", "viewer")
    one, other = logged_in(port, "pia"), logged_in(port, "PIA")
    explorer.workplace.users.set_password("pia", hashed("another password"), datetime.now(UTC))
    assert one.get("/api/catalogue").status == other.get("/api/catalogue").status == 401
    assert Browser(port).log_in("pia").status == 401
    again = Browser(port)
    assert again.log_in("pia", "another password").status == 303
    explorer.workplace.users.remove("pia")
    assert again.get("/api/catalogue").status == 401


def test_tries_are_limited(served: tuple[Explorer, int]) -> None:
    explorer, port = served
    add_user(explorer.workplace, "tom", "viewer")
    browser = Browser(port)
    said = [browser.log_in("tom", "wrong" * 3).text for _ in range(5)]
    assert all("the name or the password is wrong" in text for text in said)
    assert "the name or the password is wrong" in browser.log_in("nobody", PASSWORD).text
    held = browser.log_in("tom")  # the right password now is not looked at
    assert (held.status, "too many tries" in held.text) == (429, True)
    assert Browser(port).log_in("vera").status == 303
    explorer.guard.tries._failed.clear()
    assert Browser(port).log_in("tom").status == 303


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/login", "javascript:x"],
)
def test_a_log_in_stays_here(served: tuple[Explorer, int], target: str) -> None:
    browser = Browser(served[1])
    browser.token = csrf(browser.get("/login"))
    form = {"name": "vera", "password": PASSWORD, "next": target}
    got = browser.post("/login", form)
    assert (got.status, got.headers["location"]) == (303, "/")


def test_the_way_back_after_the_log_in(served: tuple[Explorer, int]) -> None:
    browser = Browser(served[1])
    shared = "/reports/breakout?group=customer&last=7d"
    asked = browser.get(shared)
    page = browser.get(asked.headers["location"])
    browser.token = csrf(page)
    found = re.search(r'name="next" value="([^"]+)"', page.text)
    assert found
    form = {"name": "vera", "password": PASSWORD, "next": found[1].replace("&amp;", "&")}
    assert browser.post("/login", form).headers["location"] == shared


def test_every_answer_has_its_headers(served: tuple[Explorer, int], vera: Browser) -> None:
    port = served[1]
    for got in (
        vera.get("/"), vera.get("/api/catalogue"), vera.get("/no"), Browser(port).get("/login"),
        vera.get("/api/rows", [("report", "x")]), vera.get("/static/manifest.json"),
        Browser(port).get("/api/rows"), Browser(port)._ask("PUT", "/", "x=1", {}),
    ):  # fmt: skip
        policy = got.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "frame-ancestors 'none'" in policy
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["referrer-policy"] == "same-origin"
        assert "server" not in got.headers
    assert re.search(r"<script(?! type=\"module\" src=)[^>]*>", vera.get("/").text) is None


def test_static_files(vera: Browser) -> None:
    page = vera.get("/").text
    found = re.search(r'href="(/static/style-[^"]+)"', page)
    assert found, "the page has no style sheet of a name with a hash"
    built = vera.get(found[1])
    assert built.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert built.headers["content-type"] == "text/css; charset=utf-8"
    assert vera.get(found[1], If_None_Match=built.headers["etag"]).status == 304
    for name in ("../explorer.py", "%2e%2e%2fexplorer.py", "none.js", "x" * 1000 + ".js"):
        assert vera.get(f"/static/{name}").status == 404


def test_at_the_machine_itself_nobody_logs_in(built: Workplace) -> None:
    with serving(built) as (_, port):
        browser = Browser(port)
        page = browser.get("/")
        assert page.status == 200
        assert "Log out" not in page.text
        assert browser.get("/schedules/new").status == 200
        for host in (
            "evil.example",
            "192.0.2.1",
            f"evil.example:{port}",
            "127.0.0.1.evil.example",
            "",
        ):
            got = browser.get("/api/catalogue", Host=host)
            assert got.status == 421, host
        for host in ("localhost", f"localhost:{port}", f"[::1]:{port}", "127.0.0.1"):
            assert browser.get("/api/catalogue", Host=host).status == 200, host
        # A form of another site does not have the token, and its browser sends no cookie of ours.
        assert Browser(port, token="-").post("/schedules/new", SCHEDULE).status == 403


def test_a_proxy_names_the_user(built: Workplace, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("proxied")
    workplace = copied(built, folder / "home", explore_proxy="127.0.0.1")
    workplace.users.add("sky", "customer", ["101"], None, datetime.now(UTC))
    with serving(workplace) as (_, port):
        assert Browser(port).get("/api/catalogue").status == 401
        known = Browser(port, {"X_Remote_User": "sky", "X_Forwarded_Proto": "https"})
        got = known.get("/api/catalogue")
        assert (got.status, got.json["role"]) == (200, "customer")
        assert "Secure" in got.headers["set-cookie"]
        assert got.headers["strict-transport-security"].startswith("max-age=")
        assert Browser(port, {"X_Remote_User": "nobody"}).get("/api/catalogue").status == 401
        assert Browser(port).log_in("sky").status == 401  # has no password
    elsewhere = copied(built, folder / "other", explore_proxy="192.0.2.0/24")
    add_user(elsewhere, "sky", "customer", "101")
    with serving(elsewhere) as (_, port):
        assert Browser(port, {"X_Remote_User": "sky"}).get("/api/catalogue").status == 401


def test_another_address_needs_users(
    built: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workplace = copied(built, tmp_path_factory.mktemp("bound") / "home")
    for host in ("127.0.0.1", "::1", "localhost", "127.3.2.1"):
        check_bind(host, workplace.users, workplace.settings)
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.com"):  # noqa: S104 (refused)
        with pytest.raises(Refused, match="users add"):
            check_bind(host, workplace.users, workplace.settings)
    program = Program()
    program.settings, program.workplace = workplace.settings, workplace
    got = CliRunner().invoke(cli, ["explore", "--host", "0.0.0.0"], obj=program)  # noqa: S104
    assert (got.exit_code, "nobody would have to log in" in got.output) == (1, True)
    add_user(workplace, "vera", "viewer")
    check_bind("0.0.0.0", workplace.users, workplace.settings)  # noqa: S104


@pytest.mark.parametrize("length", [9, 1001])
def test_a_password_of_the_wrong_length_is_told(
    built: Workplace, tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    program = Program()
    program.workplace = copied(built, tmp_path_factory.mktemp("users") / "home")
    program.settings = program.workplace.settings
    asked = ["users", "add", "vera", "--role", "viewer", "--password-stdin"]
    got = CliRunner().invoke(cli, asked, input="x" * length, obj=program)
    said = f"a password has 10 to 1,000 characters, not {length:,}"
    assert (got.exit_code, said in got.output) == (1, True)
    assert not program.workplace.users.any()


def test_a_home_of_another_time_zone_is_refused(
    built: Workplace, tmp_path_factory: pytest.TempPathFactory, served: tuple[Explorer, int]
) -> None:
    folder = tmp_path_factory.mktemp("zone") / "home"
    program = Program()
    program.workplace = copied(built, folder, timezone="Europe/Rome")
    program.settings = program.workplace.settings
    # At a port that is taken: what is wrong with the home is told first.
    got = CliRunner().invoke(cli, ["explore", "--port", str(served[1])], obj=program)
    said = "CDR_REPORTS_TIMEZONE is Europe/Rome, but the days in this home are those of UTC"
    assert (got.exit_code, said in got.output) == (1, True)


def test_the_key_is_the_owners_alone(served: tuple[Explorer, int]) -> None:
    path = served[0].workplace.settings.home / "explorer.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 64


def test_what_is_no_request_is_refused(served: tuple[Explorer, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served[1], timeout=30)
    connection.request("POST", "/login", b"x" * 2_000_000,
                       {"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert connection.getresponse().status == 413
    connection.close()
