/** Stage 2's reset, as the administrator on the primary: the standbys replay it. The checkpoint keeps one test's writing out of the next. */
export const EMPTY_TABLES = ['TRUNCATE relais.records, relais.idempotency_keys RESTART IDENTITY', 'CHECKPOINT'] as const
