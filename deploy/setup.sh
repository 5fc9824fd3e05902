#!/usr/bin/env bash
# Makes .venv in the checkout, on a machine that has Python 3.11 to 3.13 and perhaps nothing else.
#
#   deploy/setup.sh          what `cdr-reports` needs to run      (make setup, make demo)
#   deploy/setup.sh --dev    and what its tests and linters need  (make test, make lint)
#
# Takes from apt what is missing of Pango, a font and, with --dev, a Chromium (with sudo when not
# root), from PyPI uv, and with uv everything that uv.lock names. Nothing is installed outside the
# checkout but those apt packages. Run again, it looks at what is there and ends within a second.
#
# PYTHON=/path/to/python3.12   take this Python
# EXTRAS="s3"                  the optional dependencies of pyproject.toml that you want as well
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The version that wrote uv.lock; an older one already on the machine will do from UV_OLDEST on.
UV_VERSION=0.13.9
UV_OLDEST=0.8.0
APT_TIMEOUT=60

dev=no
case "${1:-}" in
    "") ;;
    --dev) dev=yes ;;
    *) echo "usage: deploy/setup.sh [--dev]" >&2; exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*"; }
stop() { printf '\nsetup: %s\n' "$1" >&2; shift; [ $# -eq 0 ] || printf '       %s\n' "$@" >&2; exit 1; }

# ---- Python -------------------------------------------------------------------------------------

suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        suits "$PYTHON" || stop "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13." \
            "Give the path of one that is, or leave PYTHON out to have it looked for."
        python=$PYTHON
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && suits "$candidate"; then
            python=$candidate
            return
        fi
    done
    stop "Python 3.11, 3.12 or 3.13 is needed; found: $(python3 --version 2>/dev/null || echo none)." \
        "Debian 12 and Ubuntu 24.04 have one as python3:  apt-get install python3" \
        "Ubuntu 22.04 has it under its number:            apt-get install python3.11" \
        "Elsewhere, name yours:                           make setup PYTHON=/path/to/python3.12"
}

# ---- Packages of the system ---------------------------------------------------------------------

# as_root COMMAND...: with sudo when not root; a password is asked for only at a terminal.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif [ -t 0 ]; then sudo -- "$@"
    else sudo -n -- "$@"
    fi
}

apt_install() {
    local packages=("$@") needed=() package
    local by_hand="apt-get install -y --no-install-recommends ${packages[*]}" update="apt-get update"
    say "missing on this machine: ${packages[*]}"
    command -v apt-get >/dev/null || stop "there is no apt-get here to install them with." \
        "Install what your system calls these, then run the same command again." \
        "Fedora: dnf install pango harfbuzz fontconfig dejavu-sans-fonts"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "they need root to install, and there is no sudo here." \
            "As root, run:" "    $update && $by_hand" "then run the same command again as you."
        if [ ! -t 0 ] && ! sudo -n true 2>/dev/null; then
            stop "they need root to install, and sudo asks for a password that nobody can type here." \
                "Run:" "    sudo $update && sudo $by_hand" "then run the same command again."
        fi
    fi
    say "installing them with apt"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o "DPkg::Lock::Timeout=$APT_TIMEOUT")
    as_root "${apt[@]}" update </dev/null || say "apt-get update failed; trying with the lists that are here"
    # Before harfbuzz was split up, libharfbuzz0b held what libharfbuzz-subset0 holds now.
    for package in "${packages[@]}"; do
        if [ "$package" = libharfbuzz-subset0 ] && ! apt-cache show "$package" >/dev/null 2>&1; then
            continue
        fi
        needed+=("$package")
    done
    as_root "${apt[@]}" install -y --no-install-recommends "${needed[@]}" </dev/null >/dev/null || stop \
        "apt could not install ${needed[*]}; its own message is above." \
        "Put that right (is the machine online?), or install them by hand, and run the same again."
}

# missing_packages [ARGUMENT...]: apt's names of what is not there, found by trying to use it.
missing_packages() { "$python" -I deploy/missing_packages.py "$@"; }

need_system() {
    local missing
    [ "$(uname -s)" = Linux ] || { say "not Linux: see to Pango yourself (macOS: brew install pango)"; return; }
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word per package
    apt_install $missing
    missing=$(missing_packages "$@")
    missing=${missing//libharfbuzz-subset0/}
    [ -z "${missing// /}" ] || stop "apt installed them, and yet this cannot be loaded: $missing" \
        "Is $(command -v "$python") built for this machine's architecture and C library?"
}

# The tests of the explorer's pages drive a Chromium. Without one they are skipped and say so, so
# a machine that has none and cannot get one is no reason to stop.
want_browser() {
    local missing
    [ "$(uname -s)" = Linux ] || return 0
    missing=$(missing_packages --browser)
    [ -n "$missing" ] || return 0
    say "missing on this machine: $missing (for the tests of the explorer's pages)"
    (apt_install "$missing") >/dev/null 2>&1 || say "apt could not install it: those tests will be skipped"
}

# ---- uv -----------------------------------------------------------------------------------------

good_uv() {
    local version
    version=$("$1" --version 2>/dev/null) || return 1
    "$python" - "$version" "$UV_OLDEST" <<'PY'
import re, sys
found, oldest = (tuple(map(int, re.findall(r"\d+", text)[:3])) for text in sys.argv[1:])
sys.exit(found < oldest)
PY
}

find_uv() {
    if command -v uv >/dev/null && good_uv uv; then uv=uv
    elif good_uv .uv/bin/uv; then uv=.uv/bin/uv
    else uv=; fi
}

fetch_uv() {
    say "fetching uv $UV_VERSION from PyPI into .uv/"
    rm -rf .uv
    "$python" -m venv .uv || stop "$python could not make a virtual environment in .uv/."
    .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" || stop \
        "pip could not fetch uv from PyPI; its own message is above." \
        "Behind a proxy, set HTTPS_PROXY; with a package index of your own, PIP_INDEX_URL;" \
        "with a certificate of your own, PIP_CERT and SSL_CERT_FILE. Or install uv yourself."
    uv=.uv/bin/uv
}

# ---- .venv --------------------------------------------------------------------------------------

# What .venv was made from, and where: it is made again when one of these changes.
made_from() { { cat pyproject.toml uv.lock; printf '%s\n' "$PWD" "${EXTRAS:-}"; } | cksum; }

fresh() {
    local stamp
    [ -x .venv/bin/python ] && [ -x .venv/bin/cdr-reports ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -V)" = "$(.venv/bin/python -V)" ] || return 1
    for stamp in .venv/.made-dev .venv/.made-run; do
        [ "$dev$stamp" != yes.venv/.made-run ] || continue
        if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(made_from)" ]; then return 0; fi
    done
    return 1
}

make_venv() {
    # Commands start in half the time when the packages come compiled.
    export UV_COMPILE_BYTECODE=1
    local args=(sync --frozen --python "$python") extra stamp=.venv/.made-run
    for extra in ${EXTRAS:-}; do args+=(--extra "$extra"); done
    # Without --inexact, `make demo` would take away what `make test` had put there.
    if [ $dev = yes ]; then stamp=.venv/.made-dev; else args+=(--no-dev --inexact); fi
    export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv
    unset VIRTUAL_ENV
    say "making .venv from uv.lock ($("$python" -V), $("$uv" --version))"
    # The scripts in .venv/bin hold its path: those of a checkout that was moved are of no use.
    if [ -f .venv/.place ] && [ "$(cat .venv/.place)" != "$PWD" ]; then rm -rf .venv; fi
    "$uv" "${args[@]}" </dev/null || stop "uv could not make .venv; its own message is above." \
        "Behind a proxy, set HTTPS_PROXY; with a certificate of your own, SSL_CERT_FILE." \
        "After a download that broke off, run the same command again: it goes on from there."
    rm -f .venv/.made-*
    printf '%s\n' "$PWD" >.venv/.place
    made_from >"$stamp"
    say "done: .venv/bin/cdr-reports"
}

find_python
if fresh; then
    need_system
else
    find_uv
    if [ -n "$uv" ]; then need_system; else need_system --venv; fetch_uv; fi
    make_venv
fi
[ $dev = no ] || want_browser
