#!/bin/bash
# psql on this server as the administrator: `docker exec -it CONTAINER /etc/relais/psql.sh`; what `npm run lab -- psql` calls.
PGPASSWORD=$(<"$RELAIS_SECRETS_DIR/admin") PGAPPNAME="psql-$RELAIS_NAME" exec psql -X -h 127.0.0.1 -U relais_admin -d relais "$@"
