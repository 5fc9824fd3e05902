"""Settings: what is refused at the door, by name."""

import os
from datetime import date
from pathlib import Path

import pytest

from pipelines.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("CDR_REPORTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.home == Path.cwd() / "var"
    assert settings.landing_url == str(settings.home / "landing")
    assert settings.ledger == f"sqlite:///{settings.home / 'ledger.sqlite'}"
    assert list(Path.cwd().iterdir()) == []  # and touch nothing


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("CDR_REPORTS_TIMEZONE=Asia/Kolkata\nCDR_REPORTS_THREADS=3\nOTHER=x\n")
    monkeypatch.setenv("CDR_REPORTS_TIMEZONE", "Europe/London")
    settings = load_settings()
    assert (settings.timezone, settings.threads) == ("Europe/London", 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "London"),
        ("TIMEZONE", ""),
        ("SOURCE_TIMEZONES", '{"asterisk": "Rome"}'),
        ("FIRST_DAY", "2026-02-30"),
        ("FIRST_DAY", "2010-12-31"),  # before the exchange rates of all currencies
        ("NIGHTLY_AT", "25:00"),
        ("SETTLE_SECONDS", "-1"),
        ("LONGEST_CALL_HOURS", "0"),
        ("MEMORY_LIMIT", "1"),
        ("MEMORY_LIMIT", "0MB"),
        ("MEMORY_LIMIT", "511MB"),
        ("MEMORY_LIMIT", "1TB"),
        ("MEMORY_LIMIT", "9" * 30 + "GB"),
        ("MEMORY_LIMIT", "\N{ARABIC-INDIC DIGIT FIVE}12MB"),
        ("MEMORY_LIMIT", "0.0GB"),
        ("HOME", ""),
        ("HOME", "/srv/100%"),
        ("HOME", "/srv/cdr#1"),
        ("HOME", "/srv/[cdr]"),
        ("SOURCE_TIMEZONES", "Europe/Rome"),
        ("SOURCE_TIMEZONES", '{"asteriks": "Europe/Rome"}'),
        ("SOURCE_TIMEZONES", '{"connexcs": "Europe/Rome"}'),  # its times are UTC
        ("SPARK_CONF", "foo"),
        ("COLD_STORE", "nosuch://bucket/cold"),
        ("VERSIONS_DAYS", "9999999"),
        ("CALLS_DAYS", "99999999999"),
        ("THREADS", "0"),
        ("SMTP_PORT", "70000"),
        ("SMTP_TLS", "yes"),
        ("SMTP_HOST", ""),
        ("LANDING", "nosuch://bucket/landing"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CDR_REPORTS_{name}", value)
    with pytest.raises(SettingsError, match=f"CDR_REPORTS_{name}"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NIGHTLY_AT", "2am", "NIGHTLY_AT: write a time of day as HH:MM (is '2am')"),
        (
            "EXPECTED_BY",
            "08:00+05:00",
            "EXPECTED_BY: write a time of day as HH:MM, in the reporting time zone "
            "(is '08:00+05:00')",
        ),
        (
            "UPKEEP_AT",
            "04:30:15",
            "UPKEEP_AT: write a time of day as HH:MM, in the reporting time zone (is '04:30:15')",
        ),
        ("FIRST_DAY", "March", "FIRST_DAY: write a day as YYYY-MM-DD (is 'March')"),
        (
            "SMTP_FROM",
            "reports",
            "SMTP_FROM: the sender 'reports' is no e-mail address: set CDR_REPORTS_SMTP_FROM to "
            "one, e.g. Reports <reports@example.com>",
        ),
        (
            "MEMORY_LIMIT",
            "lots",
            "MEMORY_LIMIT: 'lots' is no size in MB, GB, MiB or GiB",
        ),
    ],
)
def test_what_is_said_of_a_wrong_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"CDR_REPORTS_{name}", value)
    with pytest.raises(SettingsError) as said:
        load_settings()
    assert str(said.value) == f"CDR_REPORTS_{words}"


@pytest.mark.parametrize("value", ["a@example.com", "Reports <a@example.com>", "a@localhost"])
def test_senders(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CDR_REPORTS_SMTP_FROM", value)
    assert load_settings().smtp_from == value


@pytest.mark.parametrize("value", ["512MB", "1.5 GB", "0.5GiB", "16GB", "512 MiB"])
def test_sizes(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CDR_REPORTS_MEMORY_LIMIT", value)
    assert load_settings().memory_limit == value


@pytest.mark.parametrize("where", ["environment", "file"])
def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "file":
        Path(".env").write_text("CDR_REPORTS_TIME_ZONE=UTC\n")
    else:
        monkeypatch.setenv("CDR_REPORTS_TIME_ZONE", "UTC")
    with pytest.raises(SettingsError, match="CDR_REPORTS_TIME_ZONE") as caught:
        load_settings()
    assert "CDR_REPORTS_TIMEZONE" in str(caught.value)  # the one that was meant is listed


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDR_REPORTS_THREADS", "many")
    monkeypatch.setenv("CDR_REPORTS_SMTP_PORT", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "CDR_REPORTS_THREADS" in str(caught.value)
    assert "CDR_REPORTS_SMTP_PORT" in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDR_REPORTS_SMTP_PASSWORD", "made-up-secret")
    assert "made-up-secret" not in repr(load_settings())


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert load_settings(first_day="2024-01-01").first_day == date(2024, 1, 1)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    monkeypatch.setenv("CDR_REPORTS_SMTP_PASSWORD_FILE", str(secret))
    settings = load_settings()
    assert settings.smtp_password.get_secret_value() == "correct horse"
    assert "correct horse" not in repr(settings)
    monkeypatch.setenv("CDR_REPORTS_SMTP_PASSWORD", "another")
    with pytest.raises(SettingsError, match="are both set") as caught:
        load_settings()
    assert "another" not in str(caught.value)


def test_a_secrets_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDR_REPORTS_LEDGER_URL_FILE", "/nowhere/at/all")
    with pytest.raises(SettingsError, match="LEDGER_URL_FILE: cannot read '/nowhere/at/all'"):
        load_settings()
