#!/bin/bash
# Starts the primary by the official image's own entrypoint, which makes an empty data directory first (initdb, then the
# scripts in /docker-entrypoint-initdb.d: roles, and the note that says it was made to its end).
#
# (!) The entrypoint takes any data directory with a PG_VERSION for finished. One that a crash left half made would be started
# without roles, for ever; so without its note it is made again.
set -euo pipefail
volume=$(dirname "$PGDATA")
if [[ -e $PGDATA && ! -e $volume/complete ]]; then
  echo "$RELAIS_NAME: making the data directory again, because it was not made to its end"
  rm -rf "$PGDATA"
fi
exec docker-entrypoint.sh postgres -c config_file=/etc/relais/postgresql.conf -c hba_file=/etc/relais/pg_hba.conf \
  -c listen_addresses='*' -c cluster_name="$RELAIS_NAME"
