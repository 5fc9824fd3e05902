#!/bin/sh
# Starts a container of deploy/Dockerfile: `cdr-reports-entrypoint COMMAND...`.
#
# The password of PostgreSQL goes from its file, which POSTGRES_PASSWORD_FILE names, into the file
# in which libpq looks for passwords: for the ledger and for Dagster alike, and for whatever is
# started in the container later. So it is in no environment, no URL and no configuration.
set -eu

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    if ! password=$(cat "$POSTGRES_PASSWORD_FILE") || [ -z "$password" ]; then
        echo "$POSTGRES_PASSWORD_FILE: no password there that user $(id -u) can read" >&2
        exit 1
    fi
    umask 077
    # A colon or a backslash would end the field.
    printf '*:*:*:*:%s\n' "$(printf '%s' "$password" | sed 's/[\\:]/\\&/g')" >"$PGPASSFILE.$$"
    mv "$PGPASSFILE.$$" "$PGPASSFILE"
    umask 022
    unset password
fi

exec "$@"
