#!/bin/bash
# Starts a standby: copies the primary when there is nothing yet or what is there can no longer follow, else goes on from its slot.
#
#   find_reason ─ some ─▶ old data kept, or removed ─▶ slot anew ─▶ base-backup.sh ─▶ notes ─┐
#        └─────── none ───────────────────────────────────────────────────────────────────┴─▶ postgres
#
# The same reasons as in stage2-postgres/cluster/standby.ts. A slot that is lost while the server runs is seen by a watcher
# beside it, which ends the server: the restart policy brings the container back, and it is copied anew. So is a standby whose primary
# could not be asked before its start, and says later that it cannot follow.
#
# (!) Old data may be what nobody else has: after the loss of a primary's volume, whatever stands in its place. So it is removed only
# when the primary was just asked, and certainly has all of it; otherwise it is kept beside the new copy.
set -euo pipefail
volume=$(dirname "$PGDATA")
complete=$volume/complete
passfile=$volume/replicator.pgpass
# For start-primary.sh: here is a copy, whatever became of the primary's volume.
copy=$RELAIS_COPIES_DIR/$RELAIS_NAME
# Why it is copied anew, as long as what it had is in its place: found out again it may no longer seem so, because the primary goes on
# meanwhile. As stage2-postgres/cluster/rebuild-note.ts.
rebuild=$volume/rebuild
source "$(dirname "$0")/keep-data.sh"
export PGCONNECT_TIMEOUT=2
# As in healthy.sh: the programs themselves, not Debian's wrappers.
PATH=${PG_MAJOR:+/usr/lib/postgresql/$PG_MAJOR/bin:}$PATH

# (!) Bash takes a signal only when the command that it waits for has ended, and without a trap it forgets SIGINT altogether then. A
# copy takes minutes, and waits for a primary for ever; so it is made beside, and `wait` is what a signal does end.
copying=
trap 'kill $copying 2>/dev/null || true; exit 0' INT TERM

main() {
  write_passfile
  find_reason
  if [[ -n $reason ]]; then
    echo "$RELAIS_NAME: rebuilding this standby, because $reason"
    if [[ -n $parted && ! -e $rebuild ]]; then echo "$reason" >"$rebuild"; fi
    make_standby &
    copying=$!
    wait "$copying"
  fi
  # A copy of an earlier release has the password itself in its settings.
  sed -Ei "s|\bpassword=[^ ']+|passfile=$passfile|" "$PGDATA/postgresql.auto.conf"
  touch "$copy"
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

# Sets `reason`: one sentence, or nothing when it can follow, and when the primary cannot be asked. Not in $(…), nor by what it
# returns: there bash goes on after a command that failed.
find_reason() {
  reason= parted= unasked=
  if [[ -e $rebuild ]]; then
    reason=$(<"$rebuild")
    # A full disk, or a crash, may have left the note without its words.
    reason=${reason:-"it was found to be no part of the primary's history"} parted=yes
    return
  fi
  if [[ ! -e $complete || ! -e $PGDATA/PG_VERSION ]]; then reason='it was not made to its end'; return; fi
  # Before the start: what it has now is compared also when the primary answers later. A promotion until then is a person's.
  read_control
  if ask_starting_primary; then compare; else unasked=1; fi
}

# Sets `reason` and `parted` by what find_reason read and ask_primary heard.
compare() {
  find_parting
  if [[ -n $reason ]]; then parted=yes; return; fi
  case $slot in
    missing) reason="its slot \"$RELAIS_NAME\" is missing on the primary" ;;
    lost) reason="its slot \"$RELAIS_NAME\" was lost: it was away for more WAL than max_slot_wal_keep_size" ;;
  esac
}

# Everything starts at once, so the primary may be a moment from listening: 2 s, and 10 s while it says that it is starting up. One that
# is really away must not cost its standbys more, because they can serve reads.
ask_starting_primary() {
  local began=$SECONDS patience
  until ask_primary; do
    patience=2
    if [[ $said == *'the database system is '* ]]; then patience=10; fi
    if ((SECONDS - began > patience)); then return 1; fi
    sleep 0.2 || return
  done
}

# Sets what the primary says: system, timeline, lsn, slot. Fails when it cannot be asked; `said` is then why.
ask_primary() {
  local row
  row=$(ask_monitor "SELECT (SELECT system_identifier FROM pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    pg_current_wal_flush_lsn(), coalesce((SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots
    WHERE slot_name = '$RELAIS_NAME'), 'missing')" 2>&1) || { said=$row; return 1; }
  said=$row
  # Warnings come before it.
  row=${row##*$'\n'}
  [[ $row =~ ^([0-9]+\|[0-9A-F]+\|[0-9A-F]+/[0-9A-F]+\|[a-z]+)$ ]] || return
  IFS='|' read -r system timeline lsn slot <<<"$row"
  timeline=$((16#$timeline))
  lsn=$(lsn_bytes "$lsn")
}

# Sets what this standby's control file says, and whether it was promoted. Ends everything when a value is missing: what cannot be read
# must not pass for another cluster's, or for older than it is.
read_control() {
  local output checkpoint replayed
  output=$(pg_controldata "$PGDATA") || refuse_control 'what pg_controldata reads' ''
  own_system=$(control 'Database system identifier')
  own_timeline=$(control "Latest checkpoint's TimeLineID")
  checkpoint=$(control 'Latest checkpoint location')
  replayed=$(control 'Minimum recovery ending location')
  [[ $own_system =~ ^[0-9]+$ ]] || refuse_control 'Database system identifier' "$own_system"
  [[ $own_timeline =~ ^[0-9]+$ ]] || refuse_control "Latest checkpoint's TimeLineID" "$own_timeline"
  [[ $checkpoint =~ ^[0-9A-F]+/[0-9A-F]+$ ]] || refuse_control 'Latest checkpoint location' "$checkpoint"
  [[ $replayed =~ ^[0-9A-F]+/[0-9A-F]+$ ]] || refuse_control 'Minimum recovery ending location' "$replayed"
  own_lsn=$(lsn_bytes "$checkpoint")
  replayed=$(lsn_bytes "$replayed")
  if ((replayed > own_lsn)); then own_lsn=$replayed; fi
  has_signal=
  if [[ -e $PGDATA/standby.signal ]]; then has_signal=yes; fi
}

# Of read_control's output.
control() { sed -n "s/^$1: *//p" <<<"$output"; }

refuse_control() {
  echo "Failed to start $RELAIS_NAME: found \"$2\" in the control file of $PGDATA, expected: $1. Its data stays as it is." >&2
  exit 1
}

# Sets `reason` when its history is no longer a part of the primary's.
find_parting() {
  reason=
  if [[ $own_system != "$system" ]]; then reason='it belongs to another cluster than the primary'
  elif [[ -z $has_signal ]]; then reason='it was promoted and has a history of its own'
  elif ((own_timeline > timeline)); then reason="it is on timeline $own_timeline, the primary on $timeline"
  elif ((own_timeline == timeline && own_lsn > lsn)); then reason='it is ahead of the primary, which lost what it has'
  fi
}

lsn_bytes() { echo $(((16#${1%/*} << 32) + 16#${1#*/})); }

# Tries until the primary is there: without it there is nothing to be.
make_standby() {
  until copy_primary; do
    echo "$RELAIS_NAME: the primary could not be copied; trying again"
    sleep 1
  done
  touch "$complete"
}

copy_primary() {
  ask_primary || { echo "$said" >&2; return 1; }
  clear_place || exit 1
  # WAIT: a walsender that has not noticed yet that its standby is gone holds the slot.
  ask_replicator "DROP_REPLICATION_SLOT \"$RELAIS_NAME\" WAIT" >/dev/null 2>&1 || true
  ask_replicator "CREATE_REPLICATION_SLOT \"$RELAIS_NAME\" PHYSICAL RESERVE_WAL" >/dev/null || return
  echo "$RELAIS_NAME: copying the primary (pg_basebackup)"
  PGPASSFILE=$passfile PRIMARY_PORT=5432 STANDBY_NAME=$RELAIS_NAME DATA_DIR=$PGDATA \
    sh /etc/relais/base-backup.sh
}

# The control file is what a copy ends with; without it there is nothing to lose. Not on an older timeline, which may go on beyond the
# fork, and not without a slot, because the primary may be an older copy of itself: then it need not have all that is here.
clear_place() {
  if [[ -e $PGDATA/global/pg_control ]]; then
    read_control
    find_parting
    if [[ -n $reason || -n $parted || $slot == missing ]] || ((own_timeline != timeline)); then keep_data || return; fi
  fi
  # What is kept may be the last copy.
  if ! compgen -G "$volume/data.before-*" >/dev/null; then rm -f "$copy"; fi
  rm -rf "$complete" "$PGDATA"
  # Said of what is no longer in place. A new copy that is cut off would be kept by it, in the end instead of what really parted.
  rm -f "$rebuild"
  parted=
}

# The server's process id is its argument: the shell that starts it becomes it.
watch_slot() {
  while sleep "${unasked:-10}"; do
    if [[ -n $unasked ]] && ask_primary; then
      unasked=
      compare
      if [[ -n $parted ]]; then
        echo "$RELAIS_NAME: $reason; it is copied anew"
        # Without its words the note counts as well; the watcher must not end by a full disk.
        echo "$reason" >"$rebuild" || true
        kill -INT "$1"
        return
      fi
    fi
    # Missing is lost: a primary that was away when this server started may be a copy that has no slots.
    [[ $(ask_monitor "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '$RELAIS_NAME' AND wal_status <> 'lost'" 2>/dev/null) == 0 ]] || continue
    echo "$RELAIS_NAME: its slot was lost or is missing; it is copied anew"
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
