/** Directory of `initdb`, `postgres` and `pg_ctl`; `undefined` when there is none. `PG_BINDIR` goes first, then the newest version. */
export function findPostgresPrograms(): string | undefined
