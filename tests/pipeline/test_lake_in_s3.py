"""The lake in S3-compatible storage: the same figures, the same safety, and errors that help."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from click.testing import CliRunner
from deltalake.exceptions import CommitFailedError
from moto.core import enable_iam_authentication

from pipelines.assembly import Workplace
from pipelines.cli.main import Program, cli
from resources.bucket import StoreError
from resources.days import DAY_TABLES
from resources.lake import DayMoved, Lake
from tests.pipeline.home import (
    EVER,
    GOLDEN,
    build_all,
    contents,
    golden_files,
    make_home,
)
from tests.pipeline.post import free_port
from tests.pipeline.reporting import csv_rows
from tests.pipeline.test_golden import expected
from tests.pipeline.test_reports_golden import dimensions_of, matches

LAKE = "s3://cdrs/some/lake"
DAY = date(2026, 3, 6)


def in_s3(folder: Path, **settings: Any) -> Workplace:
    return make_home(folder, lake=LAKE, landing="s3://cdrs/landing", **settings)


@pytest.fixture(scope="module")
def golden(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The golden data, with landing folder and lake in S3; only looked at, by other machines."""
    folder = tmp_path_factory.mktemp("s3")
    for path in golden_files():
        s3.put_object(Bucket="cdrs", Key=f"landing/connexcs/{path.name}", Body=path.read_bytes())
    for name in ("customers.csv", "providers.csv"):
        shutil.copy(GOLDEN / name, folder / name)
    workplace = in_s3(folder)
    build_all(workplace)
    return workplace


@pytest.fixture
def home(golden: Workplace) -> Workplace:
    """The same without the copies that the work has left on the disk."""
    shutil.rmtree(golden.settings.home / "lake-copies")
    return in_s3(golden.settings.home)


def test_the_golden_data_from_landing_to_report(home: Workplace, golden_home: Workplace) -> None:
    for name in ("breakout_by_customer_id", "breakout_by_provider_id", "breakout_by_nothing"):
        want = expected(name)
        matches(home, want, dimensions_of(want), "breakout")
    fetched = {path.name for path in (home.settings.home / "lake-copies").iterdir()}
    assert fetched == {"_staging", ".copies.lock", "breakout_daily"}  # what was asked for
    build_all(golden_home)
    assert contents(home) == contents(golden_home)
    assert [f.file.name for f in home.files.accounts()] == [path.name for path in golden_files()]
    assert not (home.settings.home / "lake").exists()


def test_the_calls_of_a_number_need_the_days_that_have_them(home: Workplace) -> None:
    days = ("2026-03-05", "2026-03-10")
    rows = csv_rows(home, "per-number", days, "--number", "12122260001")
    assert Counter(row["callid"] for row in rows) == Counter(
        row["callid"] for row in expected("per_number_12122260001")
    )
    copies = home.settings.home / "lake-copies" / "cdrs"
    assert not list(copies.rglob("*.parquet"))  # the copies by row are on this disk
    shutil.rmtree(home.settings.home / "calls")
    assert csv_rows(home, "per-number", days, "--number", "12122260001") == rows
    fetched = {path.parent.name for path in copies.rglob("*.parquet")}
    assert fetched == {f"call_date={row['dt'][:10]}" for row in rows}


def stage(lake: Lake, writer: int, n: int) -> Path:
    staged = lake.staging("cdrs")
    pq.write_table(pa.table({"writer": [writer], "n": [n]}), staged)
    return staged


def test_two_writers_at_once(s3: Any, tmp_path: Path) -> None:
    """Each on a machine of its own, so that nothing but the store keeps them apart."""
    lakes = [make_home(tmp_path / str(n), lake="s3://cdrs/two").lake for n in (0, 1)]
    done: list[tuple[int, date, int]] = []
    start = threading.Barrier(2)

    def write(writer: int) -> None:
        start.wait(30)
        for n in range(4):  # two days of their own, and two that both write
            day = DAY + timedelta(n + 2 * writer)
            while True:
                staged = stage(lakes[writer], writer, n)
                try:
                    version = lakes[writer].publish("cdrs", day, staged)
                except CommitFailedError:
                    continue  # refused as a whole: the other one was first
                done.append((version, day, writer))
                break

    threads = [threading.Thread(target=write, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len({version for version, _, _ in done}) == len(done) == 8
    files = lakes[0].files("cdrs", *EVER)
    assert len(files) == 6  # one a day: none lost, none beside another
    last = {day: writer for _, day, writer in sorted(done)}
    found = {
        date.fromisoformat(Path(f).parent.name[-10:]): pq.read_table(f)["writer"].to_pylist()
        for f in files
    }
    assert found == {day: [writer] for day, writer in last.items()}


def test_of_two_who_publish_a_day_for_the_first_time_one_is_refused(
    s3: Any, tmp_path: Path
) -> None:
    """Both have read the table before either commits: a new day would have its calls twice."""
    lakes = [make_home(tmp_path / str(n), lake="s3://cdrs/first").lake for n in (0, 1)]
    lakes[0].publish("cdrs", DAY, stage(lakes[0], 0, 0))
    refused: list[int] = []
    both_have_read = threading.Barrier(2)

    def publish(writer: int) -> None:
        for n in (1, 2):
            staged = stage(lakes[writer], writer, n)
            both_have_read.wait(30)
            try:
                lakes[writer].publish("cdrs", DAY + timedelta(n), staged)
            except CommitFailedError:
                refused.append(n)
            both_have_read.wait(30)

    with (
        pytest.MonkeyPatch.context() as here,
        ThreadPoolExecutor(2) as writers,
    ):
        place = Lake._place
        gate = threading.Barrier(2)

        def placed(lake: Lake, *arguments: Any) -> Any:
            gate.wait(30)
            return place(lake, *arguments)

        here.setattr(Lake, "_place", placed)
        list(writers.map(publish, (0, 1)))
    assert sorted(refused) == [1, 2]
    assert len(lakes[0].files("cdrs", *EVER)) == 3


@pytest.mark.parametrize("when", ["before the day is read", "before the commit"])
def test_nothing_is_added_to_a_day_that_another_machine_makes_anew(
    s3: Any, tmp_path: Path, when: str
) -> None:
    """It would have the late calls twice: the other one has them already."""
    lakes = [make_home(tmp_path / str(n), lake=f"s3://cdrs/add{len(when)}").lake for n in (0, 1)]
    lakes[0].publish("cdrs", DAY, stage(lakes[0], 0, 0))
    onto = [Path(file).name for file in lakes[0].files("cdrs", DAY, DAY)]
    staged, place = stage(lakes[0], 0, 1), Lake._place

    def anew() -> None:
        lakes[1].publish("cdrs", DAY, stage(lakes[1], 1, 2))

    def placed(lake: Lake, *arguments: Any) -> Any:
        if lake.root == lakes[0].root:
            anew()
        return place(lake, *arguments)

    with pytest.MonkeyPatch.context() as here:
        if when == "before the commit":
            here.setattr(Lake, "_place", placed)
        else:
            anew()
        with pytest.raises((DayMoved, CommitFailedError)):
            lakes[0].add("cdrs", DAY, staged, onto)
    (file,) = lakes[0].files("cdrs", DAY, DAY)
    assert pq.read_table(file)["n"].to_pylist() == [2]
    lakes[0].add("cdrs", DAY, stage(lakes[0], 0, 3), [Path(file).name])
    rows = [pq.read_table(f)["n"].to_pylist() for f in lakes[1].files("cdrs", DAY, DAY)]
    assert sorted(rows) == [[2], [3]]


def test_copies_are_bounded_and_none_in_use_goes(s3: Any, tmp_path: Path) -> None:
    workplace = make_home(tmp_path, lake="s3://cdrs/copies", lake_copies_gb=1e-7)
    lake = workplace.lake  # with room for a hundred bytes
    for n in range(3):
        lake.publish("cdrs", DAY + timedelta(n), stage(lake, 0, n))
    old, used, new = (Path(f) for f in lake.places("cdrs", *EVER))
    two_hours_ago = time.time() - 7200
    for path in (old, new):
        os.utime(path, (two_hours_ago, two_hours_ago))
    new.unlink()
    lake.fetch([str(new)])
    assert [path.exists() for path in (old, used, new)] == [False, True, True]
    assert pq.read_table(lake.files("cdrs", DAY, DAY)[0])["n"].to_pylist() == [0]


def test_a_copy_that_an_upkeep_lets_go_of_keeps_none_from_being_fetched(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_home(tmp_path, lake="s3://cdrs/let-go").lake
    for n in range(2):
        lake.publish("cdrs", DAY + timedelta(n), stage(lake, 0, n))
    old, wanted = (Path(f) for f in lake.places("cdrs", *EVER))
    wanted.unlink()
    glob = Path.glob

    def while_it_goes(folder: Path, pattern: str) -> list[Path]:
        found = list(glob(folder, pattern))
        old.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", while_it_goes)
    lake.fetch([str(wanted)])
    assert [old.exists(), wanted.exists()] == [False, True]


def ask(workplace: Workplace, *command: str) -> str:
    """The one error that a command ends with."""
    program = Program()
    program.settings = workplace.settings
    result = CliRunner().invoke(cli, [*command], obj=program)
    assert isinstance(result.exception, StoreError), result
    return str(result.exception)


REPORT = ("report", "breakout", "--from", "2026-03-06", "--to", "2026-03-06")


@pytest.mark.parametrize("command", [("run",), REPORT])
@pytest.mark.parametrize("trouble", ["refused", "no bucket", "away", "no credentials"])
def test_a_store_that_cannot_be_used_is_one_error_that_names_the_setting(
    s3: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    command: tuple[str, ...],
) -> None:
    # Digits in a name are not the status of an answer.
    lakes = {"no bucket": "s3://no-such-bucket/lake", "away": f"{LAKE}/20260403"}
    lake = lakes.get(trouble, LAKE)
    workplace = make_home(tmp_path, lake=lake)
    said = {
        "refused": "access is refused (InvalidAccessKeyId): check AWS_ACCESS_KEY_ID",
        "no bucket": "there is no bucket no-such-bucket",
        "away": "http://127.0.0.1:{port} cannot be reached",
        "no credentials": "no credentials were found: set AWS_ACCESS_KEY_ID",
    }[trouble]
    if trouble == "away":
        port = free_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        said = said.format(port=port)
    if trouble == "no credentials":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with enable_iam_authentication() if trouble == "refused" else nullcontext():
        text = ask(workplace, *command)
    assert text.startswith(f"CDR_REPORTS_LAKE: {lake}: {said}")
    assert len(text) < 250


def test_a_store_that_goes_away_leaves_what_was_there(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {table: home.lake.version(table) for table in DAY_TABLES}
    lake = home.lake
    staged = stage(lake, 0, 0)
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        fresh = in_s3(home.settings.home)
        with pytest.raises(StoreError, match=r"CDR_REPORTS_LAKE: .* cannot be reached"):
            fresh.lake.publish("cdrs", DAY, staged)
    with (
        enable_iam_authentication(),
        pytest.raises(StoreError, match=r"CDR_REPORTS_LAKE: .* access is refused"),
    ):
        lake.publish("cdrs", DAY, staged)
    assert {table: lake.version(table) for table in DAY_TABLES} == before


@pytest.mark.parametrize("trouble", ["no bucket", "refused", "away"])
def test_a_landing_folder_that_cannot_be_read_is_an_error_and_not_empty(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    bucket = "no-such-bucket" if trouble == "no bucket" else "cdrs"
    home = make_home(tmp_path, landing=f"s3://{bucket}/landing")
    words = {"no bucket": "there is no bucket no-such-bucket", "refused": "access is refused",
             "away": "cannot be reached"}[trouble]  # fmt: skip
    if trouble == "away":
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    s3fs.S3FileSystem.clear_instance_cache()
    watched = enable_iam_authentication() if trouble == "refused" else nullcontext()
    error = f"^CDR_REPORTS_LANDING: s3://{bucket}/landing: .*{words}"
    with watched, pytest.raises(StoreError, match=error):
        home.intake.run()
    s3fs.S3FileSystem.clear_instance_cache()
