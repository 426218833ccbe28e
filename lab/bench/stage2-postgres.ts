/**
 * What the service in front of PostgreSQL costs (stage 2):
 *
 *   1. single-record writes through the service against pgbench doing the same INSERT on the same server, 50 clients each
 *   2. reads of the newest record against a Hono route that answers a constant of the same size
 *   3. the newest page at 1 000 and at 1 000 000 rows
 *
 *   node_modules/.bin/node lab/bench/stage2-postgres.ts [--pairs N] [--seconds N]
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import getPort from 'get-port'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { describeComparison, interleave } from './interleave.ts'
import { requestsPerSecond } from './load.ts'
import { answers200, end, untilReady } from './own-process.ts'
import { PostgresPrimary } from './postgres-primary.ts'

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '8' }, seconds: { type: 'string', default: '4' } } })
const pairs = Number(values.pairs)
const durationS = Number(values.seconds)
const CONNECTIONS = 50
const WARM_TURNS = 4
const BODY = JSON.stringify({ message: 'a message of an ordinary length, as a person might type it' })

await using primary = await PostgresPrimary.start()
await compareWrites()
await compareReads()
await comparePages()

async function compareWrites(): Promise<void> {
  const service = (): Promise<number> =>
    requestsPerSecond({ url: `${primary.url}/api/data`, method: 'POST', body: BODY, connections: CONNECTIONS, durationS })
  const pgbench = (): Promise<number> => primary.pgbenchInserts(CONNECTIONS, durationS)
  for (let turn = 0; turn < WARM_TURNS; turn++) {
    await service()
    await pgbench()
  }
  console.log(describeComparison('writes through the service / pgbench', await interleave(pairs, service, pgbench)))
}

async function compareReads(): Promise<void> {
  const port = await getPort()
  const constant = spawn(process.execPath, ['lab/bench/constant-service.ts'], {
    cwd: REPOSITORY,
    env: { ...process.env, RELAIS_PORT: String(port) },
  })
  try {
    const url = `http://127.0.0.1:${port}/data`
    await untilReady(new Map([['the constant service', constant]]), () => answers200(url))
    const read = (from: string) => (): Promise<number> => requestsPerSecond({ url: from, connections: CONNECTIONS, durationS })
    for (let turn = 0; turn < WARM_TURNS; turn++) {
      await read(`${primary.url}/data`)()
      await read(url)()
    }
    console.log(describeComparison('newest record / a constant', await interleave(pairs, read(`${primary.url}/data`), read(url))))
  } finally {
    await end(constant)
  }
}

async function comparePages(): Promise<void> {
  const pageAt = (rows: number) => async (): Promise<number> => {
    await primary.fill(rows)
    return requestsPerSecond({ url: `${primary.url}/api/data?limit=20`, connections: CONNECTIONS, durationS })
  }
  console.log(
    describeComparison('newest page at 1 000 000 / at 1 000 rows', await interleave(Math.min(pairs, 4), pageAt(1_000_000), pageAt(1_000))),
  )
}
