"""The settings: one class, read from `CDR_REPORTS_*` variables and `.env`, checked at the door.

A variable that is unknown or a value that is wrong is refused by name before anything starts.
"""

import os
import re
from datetime import date, time
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as NoJson

from resources.mailer import MailError, check_sender, parse_addresses
from resources.sizes import LEAST_MEMORY, bytes_of
from resources.sources import SOURCES

PREFIX = "CDR_REPORTS_"
SQLITE = "ledger.sqlite"
"""The ledger, in the home, unless another is set."""
LONGEST = 36_500
"""Days that anything may be kept: a hundred years."""


class SettingsError(Exception):
    """A setting is unknown or wrong; the text names it and says what is allowed."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/London or UTC")
    return name


def _minute(value: time) -> time:
    # Each is a line of cron, or is set against the clock of the reporting time zone.
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("write a time of day as HH:MM, in the reporting time zone")
    return value


def _known_store(value: str) -> str:
    if "://" in value and not value.startswith("s3://"):
        from fsspec import get_filesystem_class

        try:
            get_filesystem_class(value.partition("://")[0])
        except ImportError as error:
            raise ValueError(str(error)) from None
    return value


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


Zone = Annotated[str, AfterValidator(_zone)]
TimeOfDay = Annotated[time, AfterValidator(_minute)]
Store = Annotated[str, AfterValidator(_known_store)]
"""A folder, or a URL of a kind that can be read here."""


class Settings(BaseSettings):
    """Everything that a user may set. Field descriptions are what README's table shows."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore"
    )

    home: Path = Field(Path("var"), description="folder of all that the program writes")
    landing: Store = Field(
        "", description="landing folder, or a URL such as s3://bucket/landing; blank: home/landing"
    )
    lake: str = Field(
        "",
        description="where the tables are, such as s3://bucket/lake; blank: home/lake",
    )
    lake_copies_gb: float = Field(
        10, gt=0, description="room for copies of a lake in S3 on this disk; older ones are removed"
    )
    ledger_url: str = Field(
        "", repr=False, description="SQLAlchemy URL of the ledger; blank: SQLite in the home"
    )
    timezone: Zone = Field("UTC", description="reporting time zone: what a day is")
    source_timezones: dict[str, Zone] = Field(
        default_factory=dict,
        description='time zone of sources with local times, as JSON: {"asterisk": "Europe/Rome"}',
    )
    first_day: date = Field(
        date(2020, 1, 1), description="first day of the reports; earlier calls are quarantined"
    )
    nightly_at: TimeOfDay = Field(
        time(2, 0), description="time of the nightly intake, in the reporting time zone"
    )
    settle_seconds: int = Field(
        60, ge=0, description="a file changed within so many seconds is still growing: left alone"
    )
    short_call_seconds: int = Field(
        6, ge=0, le=3600, description="a connected call of at most so many seconds is a short call"
    )
    longest_call_hours: int = Field(
        24, ge=1, le=744, description="a longer call is quarantined as duration_too_long"
    )
    duration_unit: Literal["seconds", "minutes"] = Field(
        "seconds", description="unit of durations in what people read: seconds, minutes"
    )
    memory_limit: str = Field("1GB", description=f"memory of the engine, from {LEAST_MEMORY} on")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="threads of the engine"
    )
    engine: Literal["duckdb", "spark"] = Field(
        "duckdb", description="what runs intake, days and tables: duckdb, spark"
    )
    spark_master: str = Field("local[*]", description="where Spark runs, as Spark's own --master")
    spark_conf: dict[str, str] = Field(
        default_factory=dict,
        description='settings of Spark, as JSON: {"spark.executor.memory": "4g"}',
    )
    grace_hours: float = Field(
        6, ge=0, le=720, description="so many hours a scheduled report waits for days not built yet"
    )
    catch_up: int = Field(
        7, ge=1, le=366, description="so many missed reports of a schedule are sent after an outage"
    )
    mail_limit_mb: float = Field(
        10, gt=0, le=1000, description="a larger mail goes without its largest attachments"
    )
    alert_email: str = Field(
        "", description="who is told of troubles, addresses with commas; blank: nobody"
    )
    expected_by: TimeOfDay = Field(
        time(8, 0), description="a day without data at this time of the next one is a trouble"
    )
    quarantine_alert_percent: float = Field(
        5, ge=0, le=100, description="a file with more of its records refused is a trouble"
    )
    upkeep_at: TimeOfDay = Field(
        time(4, 30), description="time of the daily upkeep, in the reporting time zone"
    )
    versions_days: int = Field(
        90,
        ge=7,
        le=LONGEST,
        description="lake versions of the last so many days stay, and what reports sent "
        "in them were made from",
    )
    calls_days: int = Field(
        0,
        ge=0,
        le=LONGEST,
        description="after so many days the calls of a day leave the lake; 0: never",
    )
    calls_then: Literal["move", "drop"] = Field(
        "move", description="move them to the cold store, or drop them"
    )
    cold_store: Store = Field(
        "", description="cold store: folder or URL such as s3://bucket/cold; blank: home/cold"
    )
    delivery_files_days: int = Field(
        0,
        ge=0,
        le=LONGEST,
        description="files of sent reports are removed after so many days; 0: never",
    )
    data_docs_days: int = Field(
        0, ge=0, le=LONGEST, description="pages of checks are removed after so many days; 0: never"
    )
    ui_url: str = Field(
        "http://127.0.0.1:3000", description="of the web interface, for links in alerts"
    )
    explore_proxy: str = Field(
        "",
        description="addresses or networks, with commas, of a proxy that logs people in to the "
        "explorer; blank: none",
    )
    explore_proxy_header: str = Field(
        "X-Remote-User", pattern=r"^[A-Za-z0-9-]+$", description="in which it names the user"
    )
    explore_session_hours: int = Field(
        12, ge=1, le=24 * 31, description="so long a log-in to the explorer lasts"
    )
    smtp_host: str = Field("localhost", min_length=1, description="mail server")
    smtp_port: int = Field(25, ge=1, le=65535, description="its port")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("none", description="none, starttls, tls")
    smtp_user: str = Field("", description="user name; blank: no login")
    smtp_password: SecretStr = Field(SecretStr(""), description="password")
    smtp_from: str = Field("cdr-reports@localhost", description="sender of the mails")

    @field_validator("first_day")
    @classmethod
    def _rates_reach_back(cls, value: date) -> date:
        # The European Central Bank has quoted its present list of currencies only since 2011.
        if value < date(2011, 1, 3):
            raise ValueError("the exchange rates of all currencies begin on 2011-01-03")
        return value

    @field_validator("ledger_url")
    @classmethod
    def _of_a_database(cls, value: str) -> str:
        # A password that is cut in two would be taken for a host, and told in errors.
        if value and not re.fullmatch(r"[\w+]+://([^@/?#]*@)?[^@]*", value):
            raise ValueError(
                "write dialect+driver://user:password@host/database, with %40, %2F, %3F and %23 "
                "for each @, /, ? and # in the password"
            )
        return value

    @field_validator("lake")
    @classmethod
    def _in_a_bucket(cls, value: str) -> str:
        if not re.fullmatch(r"(s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[^\s?#@]*)?)?", value):
            raise ValueError("write s3://bucket/folder, or nothing for the folder lake in the home")
        return value

    @field_validator("alert_email")
    @classmethod
    def _addresses(cls, value: str) -> str:
        try:
            parse_addresses([value])
        except MailError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("smtp_from")
    @classmethod
    def _of_a_sender(cls, value: str) -> str:
        try:
            check_sender(value)
        except MailError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("explore_proxy")
    @classmethod
    def _networks(cls, value: str) -> str:
        for word in _words(value):
            ip_network(word, strict=False)  # raises ValueError, which names the word
        return value

    @field_validator("memory_limit")
    @classmethod
    def _enough(cls, value: str) -> str:
        if bytes_of(value) < bytes_of(LEAST_MEMORY):
            raise ValueError(f"{value!r} is too little: write {LEAST_MEMORY} or more")
        return value

    @field_validator("source_timezones")
    @classmethod
    def _of_sources(cls, value: dict[str, str]) -> dict[str, str]:
        local = [source.name for source in SOURCES.values() if source.local_times]
        for name in sorted(value.keys() - set(local)):
            raise ValueError(
                f"{name!r} is no source with local times; those are {', '.join(local)}"
            )
        return value

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, value: Path | str) -> Path | str:
        if not str(value):
            raise ValueError("name a folder, or leave the setting away for ./var")
        return value

    @field_validator("home", mode="after")
    @classmethod
    def _usable(cls, value: Path) -> Path:
        """Delta Lake takes paths for URLs, SQLite and the engine take some for patterns."""
        if bad := re.search(r"[%#?*\[\]]", str(value.expanduser().absolute())):
            raise ValueError(f"the folder's path must not have {bad[0]!r} in it")
        return value

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def explore_proxies(self) -> tuple[str, ...]:
        """The addresses and networks of `explore_proxy`."""
        return _words(self.explore_proxy)

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def landing_url(self) -> str:
        """The landing folder in force."""
        return self.landing or str(self.home / "landing")

    @cached_property
    def cold_url(self) -> str:
        """Where calls go that leave the lake; blank when they are dropped."""
        return "" if self.calls_then == "drop" else self.cold_place

    @cached_property
    def cold_place(self) -> str:
        """Where calls are that have left the lake, unless the ledger finds them elsewhere."""
        return self.cold_store or str(self.home / "cold")

    @cached_property
    def ledger(self) -> str:
        """The SQLAlchemy URL of the ledger in force."""
        return self.ledger_url or f"sqlite:///{self.home / SQLITE}"


SECRETS = ("smtp_password", "ledger_url")
"""Settings that may stand in a file instead, named by the same variable with `_FILE` behind it."""


def _secrets_of_files() -> dict[str, str]:
    """The secrets whose file is named, by setting. Raises SettingsError."""
    named = {**dotenv_values(".env"), **os.environ}
    found = {}
    for name in SECRETS:
        variable = f"{PREFIX}{name.upper()}"
        path = named.get(f"{variable}_FILE")
        if not path:
            continue
        if named.get(variable):
            raise SettingsError(f"{variable} and {variable}_FILE are both set: keep one")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}_FILE: cannot read {path!r}: {error}") from None
    return found


def load_settings(**overrides: Any) -> Settings:
    """The settings in force; `overrides` win over the environment. Raises SettingsError."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    # `.env` may hold other programs' variables; only those with our prefix are judged.
    named = {key.upper() for key in (*os.environ, *dotenv_values(".env"))}
    unknown = sorted(key for key in named if key.startswith(PREFIX) and key not in known)
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]}; known are: {', '.join(sorted(known))}")
    try:
        return Settings(**{**_secrets_of_files(), **overrides})
    except NoJson as error:
        (name,) = re.findall(r'for field "(\w+)"', str(error))
        meant = Settings.model_fields[name].description
        raise SettingsError(f"{PREFIX}{name.upper()} is no JSON; it is the {meant}") from None
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else "?"
            label = name.upper() if name.upper().startswith(PREFIX) else PREFIX + name.upper()
            secret = name.lower().removeprefix(PREFIX.lower()) in SECRETS
            # Whatever the setting, a URL may have a password in it.
            value = re.sub(r"//[^/]*@", "//***@", repr(problem["input"]))
            told = problem["msg"].removeprefix("Value error, ")
            if problem["type"].startswith("time_"):
                told = "write a time of day as HH:MM"
            elif problem["type"].startswith("date_"):
                told = "write a day as YYYY-MM-DD"
            shown = "" if secret or value in told else f" (is {value})"
            lines.append(f"{label}: {told}{shown}")
        raise SettingsError("\n".join(lines)) from None
