#!/bin/sh
# Makes a standby: a copy of the running primary, and everything it needs to follow it from there on.
#
#   PRIMARY_HOST, PRIMARY_PORT  where the primary listens (a host, or a directory with its socket)
#   STANDBY_NAME                the standby's name: its slot
#   PGPASSFILE                  relais_replicator's password, in libpq's own file, which stays beside the copy
#   DATA_DIR                    where the copy goes: must not exist, or be empty
#
# The slot exists before the backup begins (the primary must keep the WAL from there on), and the backup streams that WAL
# while it copies (-X stream), through the same slot. -R writes standby.signal and primary_conninfo. A fast checkpoint
# begins the copy now; the default would spread it over minutes.
#
# (!) Not PGPASSWORD: -R writes down how this login was made, so the password itself would be a setting of the standby, which every
# session shows that may read all settings. Of a file it writes down the path.
#
# (!) No application_name here, neither by PGAPPNAME. Under the standby's name this stream would count as the standby: through a
# slot it reports WAL as flushed that it has not synced, and synchronous_standby_names would take that for a confirmation. The
# standby itself needs none in primary_conninfo: it streams under its cluster_name, which both runtimes set to STANDBY_NAME.
set -eu

exec pg_basebackup \
  --host="$PRIMARY_HOST" --port="$PRIMARY_PORT" --username=relais_replicator \
  --pgdata="$DATA_DIR" \
  --write-recovery-conf \
  --slot="$STANDBY_NAME" \
  --wal-method=stream \
  --checkpoint=fast \
  --no-password
