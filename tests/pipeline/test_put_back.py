"""Homes of which a part was put back from an older copy: nothing old is shown or sent as new."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click import ClickException

from pipelines.assembly import Workplace
from pipelines.cli.deliveries import _as_sent as as_sent
from pipelines.reporting import day_notices
from resources.ledger.delivery import State
from resources.schedules.delivery import deliver_all
from resources.schedules.planning import agenda, plan, run_now
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, make_home
from tests.pipeline.offices import DAYS, Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving

DAY = DAYS[0]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"), (DAY,))


def put_back(home: Path, copy: Path, *parts: str) -> Workplace:
    """Puts parts of a copy of a home in the place of what it has."""
    for part in parts:
        for there in home.glob(f"{part}*"):
            shutil.rmtree(there) if there.is_dir() else there.unlink()
        for kept in copy.glob(f"{part}*"):  # a ledger with the file ending in -wal beside it
            copy_one = shutil.copytree if kept.is_dir() else shutil.copy
            copy_one(kept, home / kept.relative_to(copy))
    return make_home(home)


@pytest.mark.parametrize("older", ["lake", "ledger.sqlite"])
def test_nothing_is_sent_while_lake_and_ledger_are_of_different_times(
    built: Workplace, tmp_path: Path, older: str
) -> None:
    """Neither old figures, nor once more what a ledger from before it was sent calls owed."""
    home, post, clock = tmp_path / "home", PostOffice(), Clock(datetime(2026, 3, 6, 12, tzinfo=UTC))
    workplace = copied(built, home)
    with serving(post) as port:
        add(office_of(workplace, port, clock), columns="attempts")
        shutil.copytree(home, tmp_path / "before")
        deliver(workplace, "late.csv", [call("late", dt=f"{DAY} 13:00:00")])
        build_all(workplace)
        shutil.copytree(home, tmp_path / "after")
        clock.set("2026-03-07T07:00")

        office = office_of(put_back(home, tmp_path / "before", older), port, clock)
        assert plan(office) == []
        if older == "lake":
            assert agenda(office).waiting[0].startswith(f"nightly, {DAY}: waits for {DAY}")
            assert day_notices(make_home(home), DAY, DAY).stale == [DAY]
        run_now(office, office.schedules.named("nightly"))  # waits for no day
        assert agenda(office).ready == ()
        assert agenda(office).held.startswith("no report is sent: the l")

        office = office_of(put_back(home, tmp_path / "after", older), port, clock)
        assert day_notices(make_home(home), DAY, DAY).stale == []
        assert plan(office) == []
        [sent] = deliver_all(office, agenda(office).ready)
    assert (sent.state, len(post.got)) == (State.SENT, 1)
    assert sent.figures["totals"]["attempts"][1] == "4"


def test_a_table_that_is_older_than_its_days_is_not_taken_for_built(
    built: Workplace, tmp_path: Path
) -> None:
    """Until the next intake has them built anew."""
    home, clock = tmp_path / "home", Clock(datetime(2026, 3, 6, 12, tzinfo=UTC))
    workplace = copied(built, home)
    for part, waits in (("lake/usa_calls_daily", False), ("lake/breakout_daily", True)):
        shutil.rmtree(home / part)
        office = office_of(workplace, 1, clock)
        add(office, name=part)
        clock.set("2026-03-07T07:00")
        plan(office)
        said = [each for each in agenda(office).waiting if each.startswith(part)]
        assert bool(said) == waits  # a schedule for what it is made from
        clock.set("2026-03-06T12:00")
        assert day_notices(workplace, DAY, DAY).stale == [DAY]


def test_a_version_that_was_made_anew_is_not_told_as_sent(
    built: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that was put back from an older copy, or lost, gives its numbers once more."""
    home, clock = tmp_path / "home", Clock(datetime(2026, 3, 6, 12, tzinfo=UTC))
    workplace = copied(built, home)
    with serving(PostOffice()) as port:
        office = office_of(workplace, port, clock)
        add(office, columns="attempts")
        clock.set("2026-03-07T07:00")
        [sent] = tick(office)
    as_sent(workplace, sent)
    assert "Totals" in capsys.readouterr().out
    shutil.rmtree(home / "lake" / "breakout_daily")
    deliver(workplace, "late.csv", [call("late", dt=f"{DAY} 13:00:00")])
    build_all(workplace)
    assert workplace.lake.version("breakout_daily") >= sent.sources["breakout_daily"]
    with pytest.raises(ClickException, match="these are not the figures that were sent"):
        as_sent(make_home(home), sent)
    assert capsys.readouterr().out == ""
