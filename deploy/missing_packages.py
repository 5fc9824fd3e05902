"""Names the Debian packages this machine lacks, found by trying to use what is in them.

Run by deploy/setup.sh, before there is a .venv: standard library only. Prints the names on one
line, an empty line when nothing is missing. What to do about it is setup.sh's business.

    python3 deploy/missing_packages.py [--venv | --browser]

A library counts as there when the dynamic loader finds it, so that one built from source or put
on LD_LIBRARY_PATH is as good as apt's.
"""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterator

# What WeasyPrint opens when it is imported, and the Debian package that brings it: GLib and
# HarfBuzz come with Pango, and their own packages change their names from release to release.
LIBRARIES = {
    "libgobject-2.0.so.0": "libpango-1.0-0",
    "libharfbuzz.so.0": "libpango-1.0-0",
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libfontconfig.so.1": "libpangoft2-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
# Without any font a PDF has boxes for letters; this one has every letter that a report prints.
FONT = "DejaVu Sans"
FONT_PACKAGE = "fonts-dejavu-core"
# The tests of the explorer's pages drive the first of these that is there.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGE = "chromium"


class _FontSet(ctypes.Structure):
    """fontconfig's FcFontSet, fontconfig/fontconfig.h."""

    _fields_ = (
        ("nfont", ctypes.c_int),
        ("sfont", ctypes.c_int),
        ("fonts", ctypes.POINTER(ctypes.c_void_p)),
    )


def loads(library: str) -> bool:
    """Whether the dynamic loader finds this shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_font(family: str) -> bool:
    """Whether fontconfig knows a font of this family; no when fontconfig itself is missing."""
    try:
        fc = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    fc.FcInitLoadConfigAndFonts.restype = ctypes.c_void_p
    fc.FcConfigGetFonts.restype = ctypes.POINTER(_FontSet)
    fc.FcConfigGetFonts.argtypes = [ctypes.c_void_p, ctypes.c_int]
    fc.FcPatternGetString.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_char_p),
    ]
    fonts = fc.FcConfigGetFonts(fc.FcInitLoadConfigAndFonts(), 0)
    if not fonts:
        return False
    name = ctypes.c_char_p()
    for i in range(fonts.contents.nfont):
        found = fc.FcPatternGetString(fonts.contents.fonts[i], b"family", 0, ctypes.byref(name))
        if found == 0 and name.value == family.encode():
            return True
    return False


def can_make_venv() -> bool:
    """Whether ``python -m venv`` works: Debian keeps its pip in a package of its own."""
    try:
        import ensurepip
        import venv
    except ImportError:
        return False
    return bool(ensurepip.version()) and hasattr(venv, "create")


def missing(with_venv: bool) -> Iterator[str]:
    """Yield the names, some of them twice, of the packages this machine lacks.

    Args:
        with_venv: whether ``python -m venv`` is needed too (only to fetch uv).
    """
    for library, package in LIBRARIES.items():
        if not loads(library):
            yield package
    if not has_font(FONT):
        yield FONT_PACKAGE
    if with_venv and not can_make_venv():
        yield f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


if __name__ == "__main__":
    if "--browser" in sys.argv[1:]:
        print("" if any(map(shutil.which, BROWSERS)) else BROWSER_PACKAGE)
    else:
        print(*dict.fromkeys(missing(with_venv="--venv" in sys.argv[1:])))
