#!/bin/sh
# Makes a stage's secrets, each a file of its own in a volume; what exists stays, because the databases know it already.
#
#   make-secrets.sh nodes      stage 1: the key of the signatures between database nodes
#   make-secrets.sh servers    stage 2: a password for each PostgreSQL role; the three that services use are copied for them, the monitor's
#                              alone for the exporters of monitoring
#
# Runs once before a stage starts, without a network. Passwords are in no environment and in no image, so
# `docker inspect` has none to show. Read by their owner (node) and its group, which the PostgreSQL containers are in.
set -eu
umask 0337

secret() {
  [ -s "$1" ] && return
  rm -f "$1.new"
  od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$1.new"
  mv "$1.new" "$1"
}

copied() {
  cmp -s "$1" "$2" && return
  rm -f "$2.new"
  cat "$1" >"$2.new"
  mv -f "$2.new" "$2"
}

case ${1:-} in
  nodes) secret /relais-secrets/nodes/key ;;
  servers)
    for role in admin owner app readonly replicator monitor; do secret "/relais-secrets/servers/$role"; done
    for role in app readonly monitor; do copied "/relais-secrets/servers/$role" "/relais-secrets/services/$role"; done
    copied /relais-secrets/servers/monitor /relais-secrets/monitoring/monitor
    ;;
  *) echo "Failed to make secrets: found \"${1:-}\", expected nodes or servers." >&2; exit 2 ;;
esac
