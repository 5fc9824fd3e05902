"""The explorer's built pages are those that their sources give; no Node is needed to see it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOM = Path(__file__).resolve().parents[2] / "explorer"
STATIC = ROOM / "static"
SOURCES = ("src", "build.mjs", "package.json", "package-lock.json")
ELSEWHERE = re.compile(rb"""(?:import|fetch|src|href|url)\s*[(=]?\s*["'`(]\s*(?:https?:)?//""")


def _digests(files: list[Path]) -> dict[str, str]:
    return {
        f.relative_to(ROOM).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files
    }


def _built_from() -> dict[str, dict[str, str]]:
    recorded: dict[str, dict[str, str]] = json.loads((STATIC / "built-from.json").read_text())
    return recorded


def test_pages_are_built_from_these_sources() -> None:
    """A change in explorer/web without `make explorer-pages` is found here."""
    web = ROOM / "web"
    files = [
        f
        for name in SOURCES
        for f in ([web / name], sorted((web / name).rglob("*")))[(web / name).is_dir()]
    ]
    assert _digests([f for f in files if f.is_file()]) == _built_from()["sources"]


def test_built_pages_are_whole_and_untouched() -> None:
    files = [f for f in STATIC.iterdir() if f.name != "built-from.json"]
    assert _digests(files) == _built_from()["results"]


def test_each_page_has_what_it_loads() -> None:
    """The manifest names files that are there, and so do the scripts in them."""
    manifest = json.loads((STATIC / "manifest.json").read_text())
    assert set(manifest) == {"report.js", "calls.js", "forms.js", "style.css"}
    for built in manifest.values():
        assert (STATIC / built).is_file()
    for script in STATIC.glob("*.js"):
        named = set(re.findall(r"\./([\w.-]+-[A-Z0-9]{8}\.(?:js|wasm))", script.read_text()))
        missing = {name for name in named if not (STATIC / name).is_file()}
        assert not missing, script.name


def test_bundled_packages_bring_their_licences() -> None:
    """Every package that is asked for stands in the licences, with a text."""
    asked = json.loads((ROOM / "web/package.json").read_text())["dependencies"]
    texts = (STATIC / "licences.txt").read_text().split("-" * 80)
    for name, version in asked.items():
        own = [text for text in texts if f"{name} {version}" in text]
        assert len(own) == 1, name
        assert len(own[0]) > 500, name


def test_pages_name_no_other_host() -> None:
    """No script or style of ours or of a library loads anything from elsewhere."""
    for file in [*STATIC.glob("*.js"), *STATIC.glob("*.css"), *(ROOM / "templates").glob("*.html")]:
        found = ELSEWHERE.findall(file.read_bytes())
        assert not found, (file.name, found)


def test_templates_need_no_inline_script_or_style() -> None:
    """The pages' Content-Security-Policy would not let it run."""
    for template in (ROOM / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(
            r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", text
        ), template.name
