"""The police of the test rooms, tried on small trees of tests: each rule is shown to catch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def run(tree: Path, files: dict[str, str]) -> tuple[int, str]:
    """Exit code and output of pytest over our conftest files and these tests, path → text."""
    for name in ("conftest.py", "unit/conftest.py"):
        (tree / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TESTS / name, tree / "tests" / name)
    for name, text in files.items():
        (tree / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "tests" / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        [*command, "--import-mode=importlib"],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


SLOW_FIXTURE = "import pytest\n@pytest.fixture\ndef mail_server(): return 1\n"
USES_IT = "def test_it(mail_server):\n    assert mail_server\n"


def test_each_room_runs_what_belongs_there(tmp_path: Path) -> None:
    code, output = run(
        tmp_path,
        {
            "unit/test_a.py": "def test_a(tmp_path): (tmp_path / 'f').write_text('x')\n",
            "pipeline/conftest.py": SLOW_FIXTURE,
            "pipeline/test_b.py": USES_IT + "    import socket; socket.socket().bind(('', 0))\n",
            "e2e/test_c.py": "import os\ndef test_c(): assert os.system('true') == 0\n",
        },
    )
    assert code == 0, output
    assert "3 passed" in output


def test_a_slow_fixture_in_a_fast_room_stops_the_collection(tmp_path: Path) -> None:
    code, output = run(
        tmp_path,
        {
            "support/mail.py": SLOW_FIXTURE,
            "unit/test_a.py": "from tests.support.mail import mail_server\n" + USES_IT,
            "unit/test_b.py": "def test_b(): raise RuntimeError('was run')\n",
        },
    )
    assert code == pytest.ExitCode.INTERRUPTED, output
    assert "uses `mail_server` of tests/pipeline" in output
    assert "was run" not in output


def test_a_test_outside_the_rooms_stops_the_collection(tmp_path: Path) -> None:
    code, output = run(tmp_path, {"other/test_a.py": "def test_a(): pass\n"})
    assert code == pytest.ExitCode.INTERRUPTED, output
    assert "is in none of the rooms" in output


OPENS_OR_STARTS = (
    "import socket; socket.create_connection(('127.0.0.1', 9))",
    "import socket; socket.socket().bind(('127.0.0.1', 0))",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.system('true')",
    "import os; os.fork() or os._exit(0)",
)


def test_a_unit_test_has_no_socket_and_no_process(tmp_path: Path) -> None:
    files = {
        f"unit/test_{n}.py": f"def test_a():\n    try: {body}\n    except Exception: pass\n"
        for n, body in enumerate(OPENS_OR_STARTS)
    }
    code, output = run(tmp_path, {**files, "unit/test_own.py": "def test_a(): pass\n"})
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert f"{len(files)} failed, 1 passed" in output
    for n in range(len(files)):
        assert f"TooMuchForAUnitTest: tests/unit/test_{n}.py::test_a " in output
