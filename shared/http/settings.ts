/**
 * A service's whole configuration: environment variables, parsed once, before anything listens.
 *
 * A service that starts with half a configuration fails later, elsewhere and in other words; so a bad variable ends
 * the process at once with exit code 2 and one line that names the variable, what it held and what it may hold.
 */
import { z } from 'zod'
import { DURABILITIES } from '../store/store.ts'

const port = z.coerce.number().int().min(1).max(65535)
const baseUrl = z.url({ protocol: /^http$/ }).transform((url) => url.replace(/\/+$/, ''))

/** "db2=http://127.0.0.1:18008,db3=http://127.0.0.1:18009" */
const peers = z.string().transform((text, context) => {
  const parsed: Peer[] = []
  for (const part of text.split(',').filter(Boolean)) {
    const [name, address] = part.split('=', 2)
    const url = baseUrl.safeParse(address)
    if (!name || !url.success || parsed.some((peer) => peer.name === name)) {
      context.addIssue({ code: 'custom', message: `expected NAME=http://HOST:PORT, each name once, found "${part}"` })
      return z.NEVER
    }
    parsed.push({ name, url: url.data })
  }
  return parsed
})

export interface Peer {
  readonly name: string
  /** Base URL without a trailing slash. */
  readonly url: string
}

export const COMMON_SETTINGS = {
  RELAIS_STAGE: z.enum(['stage1', 'stage2']),
  /** Tier and number; the number is the report's `server_id`. */
  RELAIS_NAME: z.string().regex(/^[a-z]+[1-9][0-9]*$/, 'expected a tier and a number, like "backend2"'),
  RELAIS_HOST: z.string().default('127.0.0.1'),
  RELAIS_PORT: port,
  RELAIS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Requests that one instance works on at a time; above that it answers 503 `overloaded`. */
  RELAIS_IN_FLIGHT_MAX: z.coerce.number().int().min(1).default(4096),
  /** By this file the lab makes the instance slow or late while it runs (injected-faults.ts). */
  RELAIS_FAULTS_FILE: z.string().min(1).optional(),
}

export const UPSTREAM_SETTINGS = {
  ...COMMON_SETTINGS,
  /** The next tier's load balancer, or its only instance. */
  RELAIS_UPSTREAM: baseUrl,
}

export const FRONTEND_SETTINGS = {
  ...UPSTREAM_SETTINGS,
  /** Started with `--single`, one instance a tier and no load balancer: the pages then say so. */
  RELAIS_SINGLE: z.stringbool().default(false),
}

export const DATABASE_SETTINGS = {
  ...COMMON_SETTINGS,
  RELAIS_ROLE: z.enum(['primary', 'replica']),
  RELAIS_PRIMARY: z.string().default('db1'),
  /** All other nodes of the database tier. */
  RELAIS_PEERS: peers.default([]),
  RELAIS_DURABILITY: z.enum(DURABILITIES).default('async'),
  /** A directory that the service may write to. */
  RELAIS_DATA_DIR: z.string().min(1),
}

/** Parses `env` with `shape`; on failure prints one line for each bad variable and exits with code 2. */
export function readSettings<Shape extends z.ZodRawShape>(shape: Shape, env: NodeJS.ProcessEnv = process.env): z.infer<z.ZodObject<Shape>> {
  const result = z.object(shape).safeParse(env)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const name = String(issue.path[0])
    process.stderr.write(`Failed to read the settings: ${name} is ${JSON.stringify(env[name]) ?? 'not set'}: ${issue.message}\n`)
  }
  process.exit(2)
}

/** The number at the end of an instance's name: 2 for "backend2". */
export function instanceNumber(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? 0)
}
