"""Wires scheduled reports to the home: its ledger, lake, files of accounts and mail server."""

from datetime import date, timedelta

from pipelines.assembly import Workplace
from pipelines.reporting import open_reporting
from pipelines.settings import Settings
from resources.intake.apart import why_apart
from resources.mailer import SmtpSettings
from resources.reference.accounts import (
    CUSTOMERS,
    PROVIDERS,
    read_customers,
    read_emails,
    read_ids,
    read_providers,
)
from resources.reporting.reports import reports_in_force
from resources.schedules.definition import Accounts
from resources.schedules.office import Office, Rules

RECENT_DAYS = 92
"""An account that has calls in the newest so many days is known."""


def smtp_settings(settings: Settings) -> SmtpSettings:
    """The mail server of the settings."""
    return SmtpSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_from,
    )


def open_office(workplace: Workplace) -> Office:
    """Where scheduled reports are planned and sent."""
    settings = workplace.settings
    return Office(
        schedules=workplace.schedules,
        deliveries=workplace.deliveries,
        days=workplace.days,
        lake=workplace.lake,
        home=settings.home,
        smtp=smtp_settings(settings),
        rules=Rules(
            settings.timezone,
            timedelta(hours=settings.grace_hours),
            settings.catch_up,
            int(settings.mail_limit_mb * 1_000_000),
        ),
        open_reporting=lambda lake: open_reporting(workplace, lake),
        read_accounts=lambda: read_accounts(workplace),
        why_apart=lambda: why_apart(
            workplace.lake, workplace.files, workplace.days, settings.timezone
        ),
    )


def read_accounts(workplace: Workplace) -> Accounts:
    """What is known of customers and providers. Raises AccountsError."""
    home = workplace.settings.home
    return Accounts(
        customers=read_customers(home),
        providers=read_providers(home),
        customer_emails=read_emails(home / CUSTOMERS),
        provider_emails=read_emails(home / PROVIDERS),
        in_data=lambda dimension: _in_data(workplace, dimension, RECENT_DAYS),
        ever=lambda dimension: _ever(workplace, dimension),
        reports=reports_in_force(home),
        currencies=workplace.rates.currencies(workplace.settings.first_day),
    )


def _ever(workplace: Workplace, dimension: str) -> set[str]:
    """Ids that have calls in any day that is built, or a line in the list."""
    lists = {"customer_id": CUSTOMERS, "provider_id": PROVIDERS}
    listed = read_ids(workplace.settings.home / lists[dimension])
    return listed | _in_data(workplace, dimension)


def _in_data(workplace: Workplace, dimension: str, days: int | None = None) -> set[str]:
    """Ids that have calls in the newest so many days, or in any."""
    column = {"customer_id": "customer_id", "provider_id": "provider_id"}[dimension]
    today = workplace.today()
    first = today - timedelta(days=days) if days else date.min
    files = workplace.lake.files("breakout_daily", first, today)
    if not files:
        return set()
    with workplace.engine.connect({"breakout_daily": files}) as connection:
        rows = connection.execute(f"SELECT DISTINCT {column} FROM breakout_daily").fetchall()
    return {str(row[0]) for row in rows if row[0] is not None}
