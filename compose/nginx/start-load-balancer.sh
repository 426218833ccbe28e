#!/bin/sh
# Starts one load balancer with the repository's Nginx files: `start-load-balancer.sh frontend-lb`.
#
# The prefix is a tmpfs, because the root file system is read-only. The logs that the files name go to the container's
# output, where Docker bounds and rotates them: JSON lines of requests to standard output, errors to standard error.
set -eu
prefix=/run/relais
mkdir -p "$prefix/logs" "$prefix/temp"
for log in access-read.json access-write.json; do ln -sf /dev/stdout "$prefix/logs/$log"; done
ln -sf /dev/stderr "$prefix/logs/error.log"
exec nginx -p "$prefix/" -e logs/error.log -c "/etc/relais/$1.conf"
