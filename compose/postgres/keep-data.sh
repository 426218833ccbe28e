#!/bin/bash
# Sourced by start-primary.sh and start-standby.sh. Data that is in the way and may be the only copy of something is not removed but
# kept beside its place; the newest two stay. As stage2-postgres/cluster/kept-data.ts. Fails when it could not be moved, also
# where bash goes on after a command that failed.
keep_data() {
  local kept all count
  kept=$volume/data.before-$(date -u +%Y-%m-%dT%H-%M-%SZ)
  rm -f "$complete" || return
  mv "$PGDATA" "$kept" || return
  echo "$RELAIS_NAME: what it had is kept in $kept"
  # The oldest first: a date in this form is ordered as text.
  all=("$volume"/data.before-*)
  for ((count = 0; count < ${#all[@]} - 2; count++)); do rm -rf "${all[count]}"; done
}
