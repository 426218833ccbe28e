#!/bin/bash
# Starts a standby: copies the primary when there is nothing yet or what is there can no longer follow, else goes on from its slot.
#
#   why_rebuild? ─ yes ─▶ slot anew ─▶ base-backup.sh ─▶ note ─┐
#        └── no ─────────────────────────────────────────────┴─▶ postgres
#
# The same reasons as in stage2-postgres/cluster/standby.ts. A slot that is lost while the server runs is seen by a watcher
# beside it, which takes the note away and ends the server: the restart policy brings the container back, and it is copied anew.
set -euo pipefail
volume=$(dirname "$PGDATA")
complete=$volume/complete
passfile=$volume/replicator.pgpass
export PGCONNECT_TIMEOUT=2
# As in healthy.sh: the programs themselves, not Debian's wrappers.
PATH=${PG_MAJOR:+/usr/lib/postgresql/$PG_MAJOR/bin:}$PATH

# (!) Bash takes a signal only when the command that it waits for has ended, and without a trap it forgets SIGINT altogether then. A
# copy takes minutes, and waits for a primary for ever; so it is made beside, and `wait` is what a signal does end.
copying=
trap 'kill $copying 2>/dev/null || true; exit 0' INT TERM

main() {
  local reason
  write_passfile
  reason=$(why_rebuild)
  if [[ -n $reason ]]; then
    echo "$RELAIS_NAME: rebuilding this standby, because $reason"
    make_standby &
    copying=$!
    wait "$copying"
  fi
  # A copy of an earlier release has the password itself in its settings.
  sed -Ei "s|\bpassword=[^ ']+|passfile=$passfile|" "$PGDATA/postgresql.auto.conf"
  # In a shell of its own that ends at once, so that the watcher is no child of the server.
  (watch_slot $$ &)
  exec postgres -c config_file=/etc/relais/postgresql.conf -c hba_file=/etc/relais/pg_hba.conf \
    -c listen_addresses='*' -c cluster_name="$RELAIS_NAME"
}

# The replicator's password as libpq reads it: it takes no file that others may read, and the secret can be read by its group.
write_passfile() {
  rm -f "$passfile"
  (umask 0177 && printf '*:*:*:relais_replicator:%s\n' "$(sed 's/[\\:]/\\&/g' "$RELAIS_SECRETS_DIR/replicator")" >"$passfile")
}

# One sentence, or nothing: when it can follow, and when the primary cannot be asked.
why_rebuild() {
  [[ -e $complete && -e $PGDATA/PG_VERSION ]] || { echo "it was not made to its end"; return; }
  local row system timeline lsn slot
  row=$(ask_monitor "SELECT (SELECT system_identifier FROM pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    pg_current_wal_flush_lsn(), coalesce((SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots
    WHERE slot_name = '$RELAIS_NAME'), 'missing')" 2>/dev/null) || return 0
  IFS='|' read -r system timeline lsn slot <<<"$row"
  case $slot in
    missing) echo "its slot \"$RELAIS_NAME\" is missing on the primary" ;;
    lost) echo "its slot \"$RELAIS_NAME\" was lost: it was away for more WAL than max_slot_wal_keep_size" ;;
    *) why_apart "$system" $((16#$timeline)) "$lsn" ;;
  esac
}

# Its history against the primary's: SYSTEM TIMELINE LSN.
why_apart() {
  local own_timeline
  own_timeline=$(control "Latest checkpoint's TimeLineID")
  if [[ $(control 'Database system identifier') != "$1" ]]; then echo "it belongs to another cluster than the primary"
  elif [[ ! -e $PGDATA/standby.signal ]]; then echo "it was promoted and has a history of its own"
  elif ((own_timeline > $2)); then echo "it is on timeline $own_timeline, the primary on $2"
  elif ((own_timeline == $2)) && is_ahead "$3"; then echo "it is ahead of the primary, which lost what it has"
  fi
}

is_ahead() {
  local field
  for field in 'Latest checkpoint location' 'Minimum recovery ending location'; do
    (($(lsn_bytes "$(control "$field")") > $(lsn_bytes "$1"))) && return
  done
  return 1
}

lsn_bytes() { echo $(((16#${1%/*} << 32) + 16#${1#*/})); }

control() { pg_controldata "$PGDATA" | sed -n "s/^$1: *//p"; }

# Tries until the primary is there: without it there is nothing to be.
make_standby() {
  until copy_primary; do
    echo "$RELAIS_NAME: the primary could not be copied; trying again"
    sleep 1
  done
  touch "$complete"
}

copy_primary() {
  rm -rf "$complete" "$PGDATA"
  # WAIT: a walsender that has not noticed yet that its standby is gone holds the slot.
  ask_replicator "DROP_REPLICATION_SLOT \"$RELAIS_NAME\" WAIT" >/dev/null 2>&1 || true
  ask_replicator "CREATE_REPLICATION_SLOT \"$RELAIS_NAME\" PHYSICAL RESERVE_WAL" >/dev/null || return
  echo "$RELAIS_NAME: copying the primary (pg_basebackup)"
  PGPASSFILE=$passfile PRIMARY_PORT=5432 STANDBY_NAME=$RELAIS_NAME DATA_DIR=$PGDATA \
    sh /etc/relais/base-backup.sh
}

# The server's process id is its argument: the shell that starts it becomes it.
watch_slot() {
  while sleep 10; do
    [[ $(ask_monitor "SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = '$RELAIS_NAME'" 2>/dev/null) == lost ]] || continue
    echo "$RELAIS_NAME: its slot was lost while it ran; it is copied anew"
    rm -f "$complete"
    kill -INT "$1"
    return
  done
}

ask_monitor() {
  PGPASSWORD=$(<"$RELAIS_SECRETS_DIR/monitor") psql -XAtq -h "$PRIMARY_HOST" -p 5432 -U relais_monitor -d relais -c "$1"
}

# A replication connection: commands of the streaming protocol, no SQL.
ask_replicator() {
  PGPASSWORD=$(<"$RELAIS_SECRETS_DIR/replicator") psql -XAtq "host=$PRIMARY_HOST port=5432 user=relais_replicator replication=true" -c "$1"
}

main
