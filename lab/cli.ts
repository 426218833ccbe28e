/**
 * The lab's command line. This file wires verbs to their files and decides nothing.
 */
import { runVerb } from './command-line/run-verb.ts'

process.exitCode = await runVerb(
  {
    up: () => import('./commands/up.ts'),
    down: () => import('./commands/down.ts'),
    status: () => import('./commands/status.ts'),
    demo: () => import('./commands/demo.ts'),
    kill: () => import('./commands/kill.ts'),
    stop: () => import('./commands/stop.ts'),
    start: () => import('./commands/start.ts'),
    pause: () => import('./commands/pause.ts'),
    resume: () => import('./commands/resume.ts'),
    durability: () => import('./commands/durability.ts'),
    psql: () => import('./commands/psql.ts'),
    compare: () => import('./commands/compare.ts'),
    bench: () => import('./commands/bench.ts'),
    slow: () => import('./commands/slow.ts'),
    lag: () => import('./commands/lag.ts'),
    log: () => import('./commands/log.ts'),
    ship: () => import('./commands/ship.ts'),
    policy: () => import('./commands/policy.ts'),
    cache: () => import('./commands/cache.ts'),
    load: () => import('./commands/load.ts'),
    connections: () => import('./commands/connections.ts'),
    dns: () => import('./commands/dns.ts'),
    backoff: () => import('./commands/backoff.ts'),
    storm: () => import('./commands/storm.ts'),
    walk: () => import('./commands/walk.ts'),
  },
  process.argv.slice(2),
)
