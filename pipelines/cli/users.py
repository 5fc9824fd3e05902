"""`cdr-reports users`: who may log in to the explorer, and as what."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipelines.cli.home import need_home
from pipelines.cli.show import show_table

if TYPE_CHECKING:
    from pipelines.cli.main import Program

# As `Role` of the explorer has them: to import it would make every command slow to start.
ROLES = ("viewer", "operator", "customer")


@click.group()
def users() -> None:
    """Manage who may log in to the explorer.

    A viewer sees everything, an operator also makes schedules, sends again and withdraws files, a
    customer sees its own calls and no provider, cost or profit.
    """


_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, its first line."
)


@users.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the user may do.")
@click.option("--customers", multiple=True, metavar="IDS", help="Whose calls a customer sees; "
              "ids or names; repeatable.")  # fmt: skip
@click.option("--no-password", is_flag=True, help="Only a proxy lets this user in.")
@_from_stdin
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    role: str,
    customers: tuple[str, ...],
    no_password: bool,
    password_stdin: bool,
) -> None:
    """Add the user NAME; the password is asked for."""
    from resources.ledger.users import UserTaken

    program: Program = ctx.obj
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise click.UsageError("a user's name has 1 to 100 printable characters")
    if (role == "customer") != bool(customers):
        raise click.UsageError(
            "a customer needs --customers, whose calls it sees" if role == "customer"
            else f"--customers is for the role customer only: a {role} sees everybody's calls"
        )  # fmt: skip
    need_home(program.settings.home)
    ids = _ids(program, customers)
    if customers and not ids:
        raise click.UsageError("--customers is blank: name whose calls the customer sees")
    password = None if no_password else _password(password_stdin)
    try:
        program.workplace.users.add(name, role, ids, password, datetime.now(UTC))
    except UserTaken as error:
        raise click.ClickException(str(error)) from None
    of = f" of {', '.join(ids)}" if ids else ""
    click.echo(f"{name.casefold()} is {role}{of}; the explorer asks everybody to log in now")


@users.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List the users."""
    program: Program = ctx.obj
    found = program.workplace.users.all()
    if not found:
        click.echo("no users: the explorer serves this machine only, and asks nobody")
        return
    show_table(
        [("name", False), ("role", False), ("customers", False), ("password", False),
         ("since", False)],
        (
            (u.name, u.role, ", ".join(u.customers), "yes" if u.password else "by a proxy only",
             f"{u.made_at:%Y-%m-%d}")
            for u in found
        ),
    )  # fmt: skip


@users.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(ctx: click.Context, name: str, yes: bool) -> None:
    """Remove the user NAME; who is logged in by it is out at once."""
    from resources.ledger.users import UnknownUser

    program: Program = ctx.obj
    store = program.workplace.users
    try:
        found = store.get(name)
        if not yes:
            click.confirm(f"remove the user {found.name!r}?", abort=True)
        store.remove(found.name)
    except UnknownUser as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{found.name} is removed")
    if not store.any():
        click.echo("that was the last one: the explorer serves this machine only, and asks nobody")


@users.command("password")
@click.argument("name")
@_from_stdin
@click.pass_context
def password(ctx: click.Context, name: str, password_stdin: bool) -> None:
    """Give the user NAME another password; who is logged in by it is out at once."""
    from resources.ledger.users import UnknownUser

    program: Program = ctx.obj
    store = program.workplace.users
    try:
        found = store.get(name)
        store.set_password(found.name, _password(password_stdin), datetime.now(UTC))
    except UnknownUser as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{found.name} has a new password and is logged out everywhere")


def _password(from_stdin: bool) -> str:
    """The hash of a password that is typed twice, or read."""
    from explorer.guard import LEAST_LETTERS, MOST_LETTERS, hashed

    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    else:
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not LEAST_LETTERS <= len(text) <= MOST_LETTERS:
        raise click.ClickException(
            f"a password has {LEAST_LETTERS} to {MOST_LETTERS:,} characters, not {len(text):,}"
        )
    return hashed(text)


def _ids(program: "Program", words: tuple[str, ...]) -> tuple[str, ...]:
    """The customers' ids, judged as those of schedules are."""
    from pipelines.sending import read_accounts
    from resources.reference.accounts import AccountsError
    from resources.reporting.errors import ReportError

    try:
        found, odd = read_accounts(program.workplace).ids("customers", words)
    except (AccountsError, ReportError) as error:
        raise click.ClickException(str(error)) from None
    for each in odd:
        click.echo(f"warning: {each}", err=True)
    return tuple(found)
