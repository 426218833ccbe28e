#!/bin/bash
# The last of the scripts that make the primary: writes the note that start-primary.sh looks for.
touch "$(dirname "$PGDATA")/complete"
