"""Whatever dies in between, running again ends in the same tables: nothing lost, nothing twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.generator.cdrs import generate
from resources.ledger import FileStatus
from tests.e2e import dying
from tests.pipeline.deliveries import account, call, counting, deliver
from tests.pipeline.home import build_all, contents, golden_files, land, make_home
from tests.support.forks import Fork, command, fork

COMMAND = Path(sys.executable).with_name("cdr-reports")


def environment(home: Path, **settings: str) -> dict[str, str]:
    own = {"CDR_REPORTS_HOME": str(home), "CDR_REPORTS_SETTLE_SECONDS": "0", **settings}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    return {**inherited, **own}


def start(home: Path, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
    """The command in a process group of its own."""
    return subprocess.Popen(
        [str(COMMAND), *arguments],
        cwd=home,
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    return output


def run(home: Path) -> Fork:
    """`cdr-reports run`."""
    return fork(command, "run", env=environment(home), logs=home)


def assert_dies(env: dict[str, str], home: Path, *work: str) -> None:
    """Does a piece of work of `dying` in a process that kills itself in it."""
    died = fork(dying.main, str(home), *work, env=env, logs=home)
    assert died.ended() == -signal.SIGKILL, ("it did not come that far", died.log.read_text())


def accounts(workplace: Workplace) -> list[tuple[Any, ...]]:
    """Every file with what became of it; numbers of files may differ, a killed intake takes one."""
    return [
        (
            a.file.name, a.file.status, a.file.records, a.accepted, a.duplicates,
            a.file.quarantined, a.superseded, a.days, workplace.files.reasons(a.file.id),
        )
        for a in sorted(workplace.files.accounts(), key=lambda a: a.file.name)
    ]  # fmt: skip


def assert_same(found: Workplace, wanted: Workplace) -> None:
    assert accounts(found) == accounts(wanted)
    there = contents(found)
    for table, rows in contents(wanted).items():
        assert there[table] == rows, table
    assert found.days.stale(["cdrs"]) == []
    assert found.files.in_status(FileStatus.TAKING, FileStatus.WITHDRAWING) == []


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The golden files, and one of 3,000 records, some of them dirty; in the order of names."""
    folder = tmp_path_factory.mktemp("generated")
    made = generate(folder, date(2026, 3, 10), 1, 3000, seed=8, dirty_share=0.01)
    return sorted([*golden_files(), *made], key=lambda path: path.name)


@pytest.fixture(scope="module")
def undisturbed(deliveries: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = make_home(tmp_path_factory.mktemp("undisturbed"))
    for path in deliveries:
        land(home, path)
    build_all(home)
    return home


def in_pieces(delivery: Path, folder: Path) -> list[Path]:
    """A delivered file as twenty; the runs that are killed need work for all of them."""
    head, *records = delivery.read_text(encoding="utf-8").splitlines(keepends=True)
    pieces = [folder / f"{delivery.stem}_{n:02}.csv" for n in range(20)]
    for n, piece in enumerate(pieces):
        piece.write_text(head + "".join(records[n::20]), encoding="utf-8")
    return pieces


def test_killed_at_ten_random_moments(deliveries: list[Path], tmp_path: Path) -> None:
    """Before each run one more file is landed, so that there is work when the blow falls.

    How long a run takes differs with what else the machine does: a run that ends before its blow
    tells by when the next one has to fall.
    """
    seed = random.SystemRandom().randrange(10**6)
    draw = random.Random(seed)  # noqa: S311
    generated = next(path for path in deliveries if path not in golden_files())
    others = [path for path in deliveries if path != generated]
    pieces = tmp_path / "pieces"
    pieces.mkdir()
    waiting = others + in_pieces(generated, pieces)
    (tmp_path / "without").mkdir()
    undisturbed = make_home(tmp_path / "without")
    land(undisturbed, *waiting)
    build_all(undisturbed)

    home = make_home(tmp_path)
    whole = float("inf")
    moments: list[float] = []
    while len(moments) < 10 and waiting:
        land(home, waiting.pop(0))
        moment = draw.uniform(0.1, 0.9) * whole
        started = time.monotonic()
        process = run(tmp_path)
        if process.ended(min(moment, 180)) is None:
            process.process.kill()
        if process.ended() == -signal.SIGKILL:
            moments.append(round(moment, 2))
            continue
        process.finish()
        whole = time.monotonic() - started
    sys.stdout.write(f"seed {seed}; killed after {moments} s of {whole:.1f} s\n")
    assert len(moments) >= 5, "most runs had ended before the blow fell"
    land(home, *waiting)
    run(tmp_path).finish()
    assert_same(make_home(tmp_path), undisturbed)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A file of 100,000 calls."""
    return generate(tmp_path_factory.mktemp("large"), date(2026, 3, 10), 1, 100_000, seed=8)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_run_need_not_wait(
    large: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    """Intake of 100,000 calls is not gone on with, nor tried again, nor followed by the days.

    The signal goes to all the run's processes, as a terminal sends it. None says more than that.
    """
    home = make_home(tmp_path / "home")
    land(home, *large)
    process = start(home.settings.home, "run")
    assert process.stdout is not None
    said = [next(process.stdout)]
    assert said[0].startswith("taking"), said
    os.killpg(process.pid, number)
    said += process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 130, said
    assert len(said) == 2, said
    assert "stopped; what was done is kept" in said[1]
    assert home.days.stale(["cdrs"]) == []
    home.intake.run()
    assert [a.accepted for a in home.files.accounts()] == [100_000]


POINTS = [
    # Intake of three files, which share a commit.
    ("intake", "Lake.append", "before", 1),  # judged and staged
    ("intake", "Lake.append", "after", 1),  # rows are in the lake, the ledger does not know
    ("intake", "Lake.append", "after", 2),  # their quarantine too
    ("intake", "Files.take", "before", 2),
    ("intake", "Files.take", "after", 2),
    ("intake", "Files.settle_day", "before", 1),  # files are settled, the days' accounts are not
    # Building.
    ("build", "Lake.publish", "before", 1),
    ("build", "Lake.publish", "after", 1),  # cdrs are published, the ledger does not know
    ("build", "Lake.publish", "after", 2),
    # Withdrawing.
    ("withdraw", "Files.begin_withdrawal", "after", 1),
    ("withdraw", "Lake.swap", "after", 1),  # rows are gone, the quarantine is not
    ("withdraw", "Files.end_withdrawal", "before", 1),
    ("withdraw", "Files.end_withdrawal", "after", 1),
]  # fmt: skip


def land_three(workplace: Workplace) -> None:
    """Repeated keys, refused records and two days, in each of them."""
    for n in (1, 2, 3):
        deliver(
            workplace,
            f"{n}.csv",
            [
                call(f"own-{n}"), call("same"), call("corrected", duration=str(n)),
                call("", dt=""), call(f"next-{n}", dt="2026-03-07 12:00:00"),
            ],
        )  # fmt: skip


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workplace]:
    """What each work ends in when nothing dies."""
    home, without = (make_home(tmp_path_factory.mktemp("three")) for _ in range(2))
    for workplace in (home, without):
        land_three(workplace)
        workplace.intake.run()
    without.intake.withdraw(account(without, "2.csv").file)
    build_all(home)
    return {"intake": home, "build": home, "withdraw": without}


@pytest.mark.parametrize(("work", "point", "moment", "nth"), POINTS)
def test_killed_at(
    three: dict[str, Workplace], tmp_path: Path, work: str, point: str, moment: str, nth: int
) -> None:
    home = make_home(tmp_path)
    land_three(home)
    if work != "intake":
        home.intake.run()
    assert_dies(environment(tmp_path), tmp_path, work, point, moment, str(nth))
    again = make_home(tmp_path)
    if work == "build":
        build_all(again)
        assert_same(again, three[work])
        return
    again.intake.run()
    assert accounts(again) == accounts(three[work])
    assert counting(again) == counting(three[work])
    assert again.files.in_status(FileStatus.TAKING, FileStatus.WITHDRAWING) == []


def test_several_processes_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    """Web server, daemon and a command may well be started together."""
    begin = str(time.time() + 1)
    home, env = str(tmp_path), environment(tmp_path)
    opened = [fork(dying.open_at, home, begin, env=env, logs=tmp_path) for _ in range(4)]
    for process in opened:
        process.finish()


def test_two_runs_at_once_in_a_new_home(three: dict[str, Workplace], tmp_path: Path) -> None:
    """Both find no ledger and no lake, and the same files to take."""
    land_three(make_home(tmp_path))
    both = [run(tmp_path), run(tmp_path)]
    for process in both:
        process.finish()
    assert_same(make_home(tmp_path), three["build"])


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path, leave: int) -> None:
    """Takes all of the disk but `leave` bytes."""
    free = shutil.disk_usage(path.parent).free
    with path.open("wb") as handle:
        handle.write(b"\0" * max(0, free - leave))


NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: a full disk; mounting one of a few MB needs root"
)


@dataclass(frozen=True)
class FullDisk:
    """A home whose disk was full in the middle of a run.

    `freed` is the home after room was made and `run` was given again.
    """

    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[tuple[Any, ...]]]
    status: int
    output: str
    freed: Workplace


@pytest.fixture(scope="module")
def full_disk(
    deliveries: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FullDisk]:
    folder = tmp_path_factory.mktemp("full")
    landing = folder / "landing"
    (landing / "connexcs").mkdir(parents=True)
    settings = {"CDR_REPORTS_LANDING": str(landing)}
    with small_disk(folder / "disk", 64) as disk:
        home = make_home(disk, landing=str(landing))
        for path in golden_files():
            shutil.copy2(path, landing / "connexcs")
        build_all(home)
        before = contents(home)
        for path in deliveries:
            shutil.copy2(path, landing / "connexcs")
        fill(disk / "ballast", 600_000)
        failed = start(disk, "run", **settings)
        output, _ = failed.communicate(timeout=180)
        after = contents(make_home(disk, landing=str(landing)))
        (disk / "ballast").unlink()
        finish(start(disk, "run", **settings))
        freed = make_home(disk, landing=str(landing))
        yield FullDisk(before, after, failed.returncode, output, freed)


@NEEDS_ROOT
def test_a_full_disk_leaves_what_was_there_and_the_next_run_goes_on(
    full_disk: FullDisk, undisturbed: Workplace
) -> None:
    assert full_disk.status == 1
    for table, rows in full_disk.before.items():
        assert not Counter(rows) - Counter(full_disk.after[table]), table
    assert_same(full_disk.freed, undisturbed)


@NEEDS_ROOT
def test_a_full_disk_is_said_in_one_clear_error(full_disk: FullDisk) -> None:
    assert "Traceback" not in full_disk.output
    assert "disk" in full_disk.output.splitlines()[-1]
