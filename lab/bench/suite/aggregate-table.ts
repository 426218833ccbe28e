/** The table and the query of the report's section 6.3.2: 100 000 rows, five cities. */
import { primaryOf, type Cluster } from '@relais/stage2-postgres/cluster/cluster.ts'
import { loginAs } from '@relais/stage2-postgres/cluster/login.ts'

const ROWS = 100_000
const MAKE_MS_MAX = 120_000

export const AGGREGATE_QUERY = `
  SELECT city, COUNT(*), AVG(value), SUM(value), MIN(value), MAX(value), VARIANCE(value)
  FROM relais.measured GROUP BY city ORDER BY city`

export const CITIES: string[] = ['Bordeaux', 'Lille', 'Lyon', 'Marseille', 'Paris']

/** The same rows each time: value and city follow from the row's number. The bench's own table; services do not know it. */
export async function makeAggregateTable(cluster: Cluster): Promise<void> {
  await loginAs(
    primaryOf(cluster),
    'admin',
    async (sql) => {
      await sql`DROP TABLE IF EXISTS relais.measured`
      await sql`CREATE TABLE relais.measured (id integer PRIMARY KEY, data_hash text NOT NULL, value double precision NOT NULL, city text NOT NULL)`
      await sql`INSERT INTO relais.measured
        SELECT n, md5(n::text), (n::bigint * 7919 % 100003) / 100.0, (string_to_array(${CITIES.join(',')}, ','))[1 + n % ${CITIES.length}::integer]
        FROM generate_series(1, ${ROWS}::integer) AS n`
      await sql`GRANT SELECT ON relais.measured TO relais_readonly`
      await sql`VACUUM (ANALYZE) relais.measured`
      await sql`CHECKPOINT`
    },
    { timeoutMs: MAKE_MS_MAX },
  )
}
