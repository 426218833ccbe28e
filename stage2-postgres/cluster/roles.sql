-- The roles and the database; run once by psql as the administrator (relais_admin), on the primary.
-- SECRETS_DIR holds one file a role; reading them here keeps passwords out of command lines, where `ps` shows them.
\set ON_ERROR_STOP on
-- Nor may they come into the server's log, where a statement that fails or takes long is written with all that it holds.
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
\set owner_password `cat "$SECRETS_DIR/owner"`
\set app_password `cat "$SECRETS_DIR/app"`
\set readonly_password `cat "$SECRETS_DIR/readonly"`
\set replicator_password `cat "$SECRETS_DIR/replicator"`
\set monitor_password `cat "$SECRETS_DIR/monitor"`

-- Owns the tables and runs the migrations; no service logs in as it.
CREATE ROLE relais_owner LOGIN PASSWORD :'owner_password';
-- Writes records. No DDL: a hole in the service is not a hole in the schema.
CREATE ROLE relais_app LOGIN PASSWORD :'app_password';
-- Reads records, on the primary and on the standbys.
CREATE ROLE relais_readonly LOGIN PASSWORD :'readonly_password';
ALTER ROLE relais_readonly SET default_transaction_read_only = on;
-- Streams the WAL, takes base backups, owns the slots.
CREATE ROLE relais_replicator LOGIN REPLICATION PASSWORD :'replicator_password';
-- Sees positions, slots and lag; no records. (!) Not pg_monitor: that reads every setting, and a standby's primary_conninfo says how
-- the replicator logs in, who may copy the whole cluster.
CREATE ROLE relais_monitor LOGIN PASSWORD :'monitor_password';
GRANT pg_read_all_stats TO relais_monitor;

CREATE DATABASE relais OWNER relais_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE relais FROM PUBLIC;
GRANT CONNECT ON DATABASE relais TO relais_app, relais_readonly, relais_monitor;
ALTER DATABASE relais SET search_path = relais;

\connect relais
-- Before PostgreSQL 15 everybody may create tables in `public`; ours are in `relais`.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- The size of the WAL, which postgres_exporter asks for: names and sizes of files, nothing of what is in them.
GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO relais_monitor;
