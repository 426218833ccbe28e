#!/bin/bash
# Is this PostgreSQL server what it is for? It accepts connections, and: `primary` is no standby; `standby` is one, and has streamed since it started.
#
# (!) Has streamed, not streams: a standby without its primary still serves reads, and Compose gives up on a whole `up --wait` as soon as
# it meets a container that is unhealthy. So the standbys of a primary that was away could not be waited for when it came back.
#
# By TCP and not by the socket: while the data directory is being made, a server listens on the socket alone.
#
# The programs themselves come first in PATH: what Debian has in /usr/bin under their names starts Perl to find them, and takes five
# times the CPU (23 ms and not 5), at every check.
set -eu
PATH=${PG_MAJOR:+/usr/lib/postgresql/$PG_MAJOR/bin:}$PATH
pg_isready -q -h 127.0.0.1 -U relais_monitor -d relais -t 2
# Memory of this start of the container: /tmp is a tmpfs, made anew with each.
has_streamed=/tmp/has-streamed
case $1 in
  primary) question='SELECT NOT pg_is_in_recovery()' ;;
  standby)
    question='SELECT pg_is_in_recovery()'
    [ -e "$has_streamed" ] || question+=" AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"
    ;;
esac
answer=$(PGPASSWORD=$(<"$RELAIS_SECRETS_DIR/monitor") PGCONNECT_TIMEOUT=2 psql -XAtq -h 127.0.0.1 -U relais_monitor -d relais -c "$question")
[ "$answer" = t ]
[ "$1" = primary ] || touch "$has_streamed"
