#!/bin/sh
# Starts a PostgreSQL server's exporter, `start-postgres-exporter.sh /bin/postgres_exporter`, with the password in DATA_SOURCE_PASS_FILE.
#
# (!) The exporter reads its password once, when it starts, and ends when there is none. There is none before stage 2 has been started
# once, so this waits for one; and a new one comes with new data, so the exporter is ended when the file says something else, and the
# restart policy starts it with that. The shell's own `read`: no program is started to look.
set -eu
trap 'exit 0' INT TERM

password() { read -r found <"$DATA_SOURCE_PASS_FILE" || [ -n "${found:-}" ]; }

until [ -r "$DATA_SOURCE_PASS_FILE" ] && password; do sleep 1; done
first=$found

# While the file is away, as when it is replaced, nothing is new.
(
  while sleep 5; do
    found=
    password 2>/dev/null && [ "$found" != "$first" ] || continue
    echo 'the password is another one: the exporter ends, to be started with it'
    kill "$$"
    exit
  done
) &
exec "$@"
