"""The landing folder: which files are taken from it, and when; the same in an object store."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from pipelines.assembly import Workplace
from pipelines.cli.run import run_night
from pipelines.settings import load_settings
from resources.bucket import StoreError
from resources.intake.take import Outcome
from resources.ledger import FileStatus
from tests.pipeline.deliveries import account, call, counting, csv_text, deliver
from tests.pipeline.home import golden_files, land, make_home


def names(outcomes: list[Outcome]) -> list[str]:
    return [f"{o.file.source}/{o.file.name}" for o in outcomes]


def test_only_whole_files_are_taken(home: Workplace) -> None:
    for name in (
        "a.csv", "b.csv.part", "c.csv.tmp", "d.csv.filepart", "e.csv.PART", ".f.csv", ".git/g.csv",
        "deep/down/h.csv", "i.csv.gz", "K.CSV",
    ):  # fmt: skip
        deliver(home, name, [call(name)])
    taken = ["connexcs/K.CSV", "connexcs/a.csv", "connexcs/deep/down/h.csv", "connexcs/i.csv.gz"]
    assert names(home.intake.run()) == taken
    folder = home.settings.home / "landing" / "connexcs"
    (folder / "b.csv.part").rename(folder / "b.csv")  # its transfer has ended
    assert names(home.intake.run()) == ["connexcs/b.csv"]


def test_a_file_that_is_still_growing_waits(tmp_path: Path) -> None:
    home = Workplace(load_settings(home=tmp_path, settle_seconds=60))
    path = deliver(home, "1.csv", [call()])
    said: list[str] = []
    assert home.intake.run(said.append) == []
    assert any("1.csv" in text and "60 s" in text for text in said)
    an_hour_ago = path.stat().st_mtime - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))
    assert names(home.intake.run()) == ["connexcs/1.csv"]
    ahead = deliver(home, "2.csv", [call("b")])  # as rsync keeps the time of a wrong clock
    os.utime(ahead, (an_hour_ago + 86_400, an_hour_ago + 86_400))
    assert names(home.intake.run()) == ["connexcs/2.csv"]


def test_what_is_no_source_and_no_file_of_calls_is_said(home: Workplace) -> None:
    deliver(home, "1.csv", [call()], source="conexcs")
    deliver(home, "readme.txt", [])
    (home.settings.home / "landing" / "stray.csv").write_text("x")
    said: list[str] = []
    assert home.intake.run(said.append) == []
    assert any("conexcs/" in text and "did you mean connexcs?" in text for text in said)
    assert any("(*.csv, maybe with .gz): connexcs/readme.txt" in text for text in said)
    assert any("no source's folder: stray.csv; those are connexcs/," in text for text in said)


def test_what_can_never_be_taken_stops_no_other(home: Workplace) -> None:
    """A pipe that nobody writes to, and a link to it; a link to itself; a name that is no UTF-8."""
    deliver(home, "good.csv", [call()])
    folder = home.settings.home / "landing" / "connexcs"
    os.mkfifo(folder / "pipe.csv")
    (folder / "led.csv").symlink_to("pipe.csv")
    (folder / "loop.csv").symlink_to("loop.csv")
    Path(os.fsdecode(bytes(folder) + b"/M\xe4rz.csv")).write_text(csv_text([call("other")]))
    deliver(home, "odd,\u00a0but M\u00e4rz.csv", [call("odd")])  # a space that does not break
    said: list[str] = []
    taken = home.intake.run(said.append)
    assert [(o.file.name, o.status) for o in taken] == [
        ("good.csv", FileStatus.TAKEN),
        ("loop.csv", FileStatus.FAILED),
        ("odd,\u00a0but M\u00e4rz.csv", FileStatus.TAKEN),
    ]
    (told,) = (text for text in said if "left alone" in text)
    for words in ("led.csv' (no file", "pipe.csv' (no file", "M\\udce4rz.csv' (its name"):
        assert words in told
    assert "rename it" in told


def test_without_a_landing_folder_there_is_nothing_new(home: Workplace) -> None:
    assert home.intake.run() == []


def test_a_landing_folder_that_was_named_must_be_there(tmp_path: Path) -> None:
    """A share that is not mounted is no quiet night."""
    share = tmp_path / "share"
    home = make_home(tmp_path / "home", landing=str(share))
    with pytest.raises(StoreError, match=f"CDR_REPORTS_LANDING: there is no folder {share}: mount"):
        home.intake.run()
    (share / "connexcs").mkdir(parents=True)
    (share / "connexcs" / "1.csv").write_text(csv_text([call()]))
    assert names(home.intake.run()) == ["connexcs/1.csv"]


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    """As to where a switch writes; but not round in a circle."""
    home = make_home(tmp_path / "home")
    logs = tmp_path / "cdr-csv"
    (logs / "old").mkdir(parents=True)
    (logs / "1.csv").write_text(csv_text([call("a")]))
    (logs / "old" / "2.csv").write_text(csv_text([call("b")]))
    (logs / "old" / "again").symlink_to("..")
    (home.settings.home / "landing").mkdir(parents=True)
    (home.settings.home / "landing" / "connexcs").symlink_to(logs)
    assert names(home.intake.run()) == ["connexcs/1.csv", "connexcs/old/2.csv"]


@pytest.mark.parametrize("shut", ["", "/connexcs", "/connexcs/switch-1", "/lost+found"])
def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(
    home: Workplace, monkeypatch: pytest.MonkeyPatch, shut: str
) -> None:
    deliver(home, "1.csv", [call()])
    deliver(home, "switch-1/2.csv", [call("b")])
    landing = f"{home.settings.home}/landing"
    os.mkdir(f"{landing}/lost+found")
    looked = LocalFileSystem.ls

    def ls(self: LocalFileSystem, path: str, detail: bool = False) -> Any:
        if path == landing + shut:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return looked(self, path, detail)

    monkeypatch.setattr(LocalFileSystem, "ls", ls)
    said: list[str] = []
    if shut in ("", "/connexcs"):
        with pytest.raises(StoreError, match=rf"{landing}{shut} .*\(Permission denied\): let "):
            home.intake.run(said.append)
        return
    assert "connexcs/1.csv" in names(home.intake.run(said.append))
    told = [text for text in said if "left alone" in text]
    assert ["'connexcs/switch-1/' (a folder that cannot" in text for text in told] == (
        [] if "lost" in shut else [True]
    )


def test_a_file_is_known_by_its_content(home: Workplace) -> None:
    path = deliver(home, "1.csv", [call()])
    assert [o.status for o in home.intake.run()] == [FileStatus.TAKEN]
    assert home.intake.run() == []
    path.rename(path.with_name("renamed.csv"))
    assert [o.status for o in home.intake.run()] == [FileStatus.COPY]
    assert home.intake.run() == []
    listed = home.files.accounts()
    for name in ("1.csv", "renamed.csv"):  # once more, by a transfer that keeps no times
        deliver(home, name, [call()])
        assert [o.status for o in home.intake.run()] == [FileStatus.COPY]
        assert [a.file.id for a in home.files.accounts()] == [a.file.id for a in listed]
        assert home.intake.run() == []
    deliver(home, "renamed.csv", [call(), call("b")])  # rewritten: other content
    assert [o.status for o in home.intake.run()] == [FileStatus.TAKEN]
    assert len(counting(home)) == 2
    deliver(home, "renamed.csv", [call()])  # and back: not taken again, which the list says
    assert [o.status for o in home.intake.run()] == [FileStatus.COPY]
    assert len(home.files.accounts()) == len(listed) + 2
    assert home.intake.run() == []


def while_taking(name: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Does something between the scan and the reading of a file: when the intake says its name."""
    done: list[str] = []

    def say(text: str) -> None:
        if name in text and text.startswith("taking") and not done:
            done.append(name)
            act()

    return say


def test_a_file_that_goes_away_stops_no_other(home: Workplace) -> None:
    path = deliver(home, "1.csv", [call("first")])
    deliver(home, "2.csv", [call("second")])
    away = path.with_name("1.csv.part")
    said = while_taking("1.csv", lambda: path.rename(away))
    assert [o.status for o in home.intake.run(said)] == [FileStatus.FAILED, FileStatus.TAKEN]
    assert "1.csv" in (account(home, "1.csv").file.reason or "")
    away.rename(path)  # the very same file, so that nothing of it has changed
    assert names(home.intake.run()) == ["connexcs/1.csv"]
    assert len(counting(home)) == 2
    assert len(home.files.accounts()) == 2


def test_a_file_that_cannot_be_opened_is_tried_each_time(home: Workplace) -> None:
    """A link to a share that is not mounted. When it is there it counts as what came last."""
    deliver(home, "2.csv", [call("second"), call("both", duration="10")])
    folder = home.settings.home / "landing" / "connexcs"
    target = home.settings.home / "share" / "1.csv"
    (folder / "1.csv").symlink_to(target)
    assert [o.status for o in home.intake.run()] == [FileStatus.FAILED, FileStatus.TAKEN]
    assert [o.status for o in home.intake.run()] == [FileStatus.FAILED]
    assert len(home.files.accounts()) == 2  # one entry, however often it was tried
    target.parent.mkdir()
    target.write_text(csv_text([call("first"), call("both", duration="20")]))
    assert [o.status for o in home.intake.run()] == [FileStatus.TAKEN]
    assert len(counting(home)) == 3
    assert [account(home, f"{n}.csv").superseded for n in (1, 2)] == [0, 1]


def test_a_file_that_cannot_be_opened_is_told_once(
    home: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home.settings.home / "landing" / "connexcs"
    folder.mkdir(parents=True)
    target = home.settings.home / "share.csv"
    (folder / "1.csv").symlink_to(target)
    (trouble,) = run_night(home)
    assert trouble.startswith("connexcs/1.csv: ")
    assert run_night(home) == []
    target.write_text(csv_text([call()]))
    assert run_night(home) == []
    ends = [line.partition(";")[0] for line in capsys.readouterr().err.splitlines() if ";" in line]
    assert ends == [
        "1 new files, 0 records: 0 accepted, 0 duplicates, 0 quarantined",
        "0 new files, 0 records: 0 accepted, 0 duplicates, 0 quarantined",
        "1 new files, 1 records: 1 accepted, 0 duplicates, 0 quarantined",
    ]


def test_a_day_that_is_not_due_yet_is_none_that_failed(
    home: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call of a switch whose clock is ahead."""
    soon = datetime.now(UTC) + timedelta(hours=20)
    deliver(home, "1.csv", [call("past"), call("soon", dt=f"{soon:%Y-%m-%d %H:%M:%S}")])
    day_after = (soon.date() - datetime.now(UTC).date()).days
    assert run_night(home) == []
    built = "1 days built" if day_after else "2 days built"
    assert built in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_read_is_taken_as_it_ends(home: Workplace) -> None:
    deliver(home, "1.csv", [call("old")])
    said = while_taking("1.csv", lambda: deliver(home, "1.csv", [call("new"), call("newer")]))
    first = home.intake.run(said)
    assert [o.status for o in first] == [FileStatus.FAILED]
    assert "changed while it was read" in (first[0].reason or "")
    assert counting(home) == {}
    assert [o.status for o in home.intake.run()] == [FileStatus.TAKEN]
    assert sorted(key[1] for key in counting(home)) == ["new", "newer"]


# An object store: moto's server speaks S3.


@pytest.fixture
def bucket(s3: Any) -> Callable[..., None]:
    """Puts an object into the bucket `cdrs`."""

    def put(key: str, body: bytes) -> None:
        s3.put_object(Bucket="cdrs", Key=key, Body=body)

    return put


def test_an_object_store_is_taken_as_a_folder_is(
    bucket: Callable[..., None], home: Workplace, tmp_path: Path
) -> None:
    remote = make_home(tmp_path, landing="s3://cdrs/landing")
    assert remote.intake.run() == []  # an empty bucket
    for path in golden_files():
        bucket(f"landing/connexcs/{path.name}", path.read_bytes())
    bucket("landing/connexcs/half.csv.part", b"dt,callid\n")
    bucket("landing/connexcs/bad.csv", b"dt,callid\n")
    land(home, *golden_files())
    deliver(home, "bad.csv", []).write_bytes(b"dt,callid\n")
    local, outcomes = home.intake.run(), remote.intake.run()
    found = [(o.file.name, o.status, o.reason, o.records, o.quarantined) for o in outcomes]
    assert found == [(o.file.name, o.status, o.reason, o.records, o.quarantined) for o in local]
    assert counting(remote) == counting(home)
    sums = {a.file.name: a.file.sha256 for a in home.files.accounts()}
    assert {a.file.name: a.file.sha256 for a in remote.files.accounts()} == sums
    # Nothing is new, until an object is.
    assert remote.intake.run() == []
    bucket("landing/connexcs/bad.csv", csv_text([call("mended")]).encode())
    bucket("landing/connexcs/copy.csv", golden_files()[-1].read_bytes())
    assert [o.status for o in remote.intake.run()] == [FileStatus.TAKEN, FileStatus.COPY]


def test_kamailios_companions_are_found_in_an_object_store(
    bucket: Callable[..., None], tmp_path: Path
) -> None:
    home = make_home(tmp_path, landing="s3://cdrs/other")
    header = b"start_time,end_time,duration,caller,callee,customer,callid\n"
    bucket(
        "other/kamailio/day/acc_cdrs.csv",
        header + b"2461106.0,2461106.1,0,442079460013,447802712292,101,a\n",
    )
    names_of = "method,from_tag,to_tag,callid,sip_code,sip_reason,time,src_user,src_domain,src_ip"
    bucket(
        "other/kamailio/day/acc.csv",
        f"id,{names_of},dst_ouser,dst_user,dst_domain\n"
        "1,INVITE,f,t,a,486,Busy Here,2461106.0,u,d,192.0.2.1,o,u,d\n".encode(),
    )
    assert [(o.status, o.records) for o in home.intake.run()] == [(FileStatus.TAKEN, 1)]
    assert home.intake.run() == []
    files = home.lake.of_files("delivered", [home.files.accounts()[0].file.id])
    with home.engine.connect({"delivered": files}) as connection:
        row = connection.execute("SELECT sip_code, source_ip FROM delivered").fetchone()
    assert row == ("486", "192.0.2.1")


def test_folders_that_were_made_in_a_bucket_are_no_files(
    bucket: Callable[..., None], tmp_path: Path
) -> None:
    bucket("made/", b"")
    bucket("made/connexcs/", b"")
    bucket("made/asterisk/", b"")
    bucket("made/stray.csv", b"x")
    home = make_home(tmp_path, landing="s3://cdrs/made")
    said: list[str] = []
    assert home.intake.run(said.append) == []
    (told,) = said
    assert "no source's folder: stray.csv; those are" in told
