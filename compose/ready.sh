#!/bin/bash
# Is this service ready? GET /readyz on its own port; exit 0 for 200.
#
# Bash's own sockets: the slim image has no curl, and starting Node every few seconds in each of nine containers would cost
# more than the services do.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$RELAIS_PORT"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
