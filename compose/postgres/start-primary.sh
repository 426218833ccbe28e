#!/bin/bash
# Starts the primary by the official image's own entrypoint, which makes an empty data directory first (initdb, then the
# scripts in /docker-entrypoint-initdb.d: roles, and the note that says it was made to its end).
#
# (!) The entrypoint takes any data directory with a PG_VERSION for finished. One that a crash left half made would be started
# without roles, for ever; so without its note it is made again.
#
# (!) And it takes an empty volume for a beginning. After the loss of the primary's volume that would be another cluster, which the
# standbys cannot follow, and theirs are the last copies. They note in RELAIS_COPIES_DIR that they have one; then nothing is made.
set -euo pipefail
volume=$(dirname "$PGDATA")
complete=$volume/complete
# There from before anything is made until it is made: what then has no note of its end is nobody's data.
making=$volume/making
source "$(dirname "$0")/keep-data.sh"

if [[ ! -e $complete || ! -e $PGDATA/PG_VERSION ]]; then
  found='no data'
  if [[ -e $PGDATA ]]; then found='data that was not made to its end'; fi
  copies=
  if [[ -d $RELAIS_COPIES_DIR ]]; then copies=$(ls "$RELAIS_COPIES_DIR" | paste -sd ' ' -); fi
  if [[ -n $copies ]]; then
    echo "Failed to start $RELAIS_NAME: found $found in $PGDATA, expected the primary's, because there are copies of it: $copies." >&2
    echo "Nothing was changed. Put the volume back as it was, or make it of a standby's (stage2-postgres/README.md, \"When the primary's disk is lost\"); \`up --fresh\`, or \`down -v\`, throws everything away." >&2
    exit 1
  fi
  rm -f "$complete"
  if [[ -e $PGDATA ]]; then
    echo "$RELAIS_NAME: making the data directory again, because it was not made to its end"
    # Without either note it may be whole, and have lost the one of its end.
    if [[ -e $making || ! -e $PGDATA/global/pg_control ]]; then rm -rf "$PGDATA"; else keep_data; fi
  fi
  touch "$making"
fi
exec docker-entrypoint.sh postgres -c config_file=/etc/relais/postgresql.conf -c hba_file=/etc/relais/pg_hba.conf \
  -c listen_addresses='*' -c cluster_name="$RELAIS_NAME"
