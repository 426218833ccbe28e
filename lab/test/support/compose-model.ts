/**
 * The compose files as one model, read without an engine: `include` and `extends` followed, YAML's merge keys applied.
 *
 * What this reader does not know it refuses, rather than let a check look past it: an include that is anything but a path, an
 * `extends` without the service's name, a chain of them without an end.
 * Source: the Compose specification, "extends" (mappings are merged, sequences joined, anything else replaced).
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { REPOSITORY } from '../../runtime/stage-directory.ts'

const listOrMap = z.union([z.array(z.string()), z.record(z.string(), z.unknown())])
const limits = z.object({ cpus: z.unknown(), memory: z.unknown(), pids: z.unknown() }).partial()

const service = z
  .looseObject({
    image: z.string(),
    build: z.unknown(),
    pull_policy: z.string(),
    depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })),
    user: z.string(),
    read_only: z.boolean(),
    privileged: z.boolean(),
    cap_drop: z.array(z.string()),
    cap_add: z.array(z.string()),
    security_opt: z.array(z.string()),
    network_mode: z.string(),
    pid: z.string(),
    ipc: z.string(),
    networks: listOrMap,
    ports: z.array(z.union([z.string(), z.number(), z.looseObject({ host_ip: z.string().optional() })])),
    environment: listOrMap,
    volumes: z.array(z.union([z.string(), z.looseObject({ source: z.string().optional(), read_only: z.boolean().optional() })])),
    logging: z.looseObject({ driver: z.string().optional(), options: z.record(z.string(), z.unknown()).optional() }),
    healthcheck: z.looseObject({ test: z.unknown(), disable: z.boolean().optional() }),
    restart: z.string(),
    profiles: z.array(z.string()),
    mem_limit: z.unknown(),
    cpus: z.unknown(),
    pids_limit: z.unknown(),
    deploy: z.looseObject({ resources: z.looseObject({ limits: limits.optional() }).optional() }),
    /** Why what the checks ask for does not apply. */
    'x-runs-as-root-because': z.string().min(20),
    'x-no-healthcheck-because': z.string().min(20),
    'x-writable-because': z.string().min(20),
  })
  .partial()
export type ComposeService = z.infer<typeof service>

const mapping = z.record(z.string(), z.unknown())
const file = z.looseObject({
  include: z.array(z.string()).default([]),
  services: z.record(z.string(), mapping).default({}),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() }).nullable()).default({}),
})
const base = z.object({ extends: z.strictObject({ file: z.string().optional(), service: z.string() }).optional() })

export interface ComposeModel {
  /** Paths from the repository's root, the given file first. */
  readonly files: readonly string[]
  readonly services: ReadonlyMap<string, ComposeService>
  readonly networks: ReadonlyMap<string, { readonly internal?: boolean | undefined } | null>
}

/** `name` is a path from the repository's root. Throws, naming the file, where it is not as this reader knows it. */
export function readCompose(name: string): ComposeModel {
  const files = [name]
  const services = new Map<string, ComposeService>()
  const networks = new Map<string, { internal?: boolean | undefined } | null>()
  for (const found of files) {
    const content = readFile(found)
    for (const included of content.include.map((target) => beside(found, target))) if (!files.includes(included)) files.push(included)
    for (const key of Object.keys(content.services)) services.set(key, checked(service, extended(found, key), `${found}, ${key}`))
    for (const [key, value] of Object.entries(content.networks)) networks.set(key, value)
  }
  return { files, services, networks }
}

function readFile(name: string): z.infer<typeof file> {
  return checked(file, parse(readFileSync(path.join(REPOSITORY, name), 'utf8'), { merge: true }), name)
}

/** A service with everything that it extends. */
function extended(name: string, key: string, depth = 0): Record<string, unknown> {
  const own = readFile(name).services[key]
  if (!own || depth > 5) throw new Error(`Failed to read ${name}: expected a service ${key}, at most 5 extensions deep`)
  const { extends: target } = checked(base, own, `${name}, ${key}`)
  if (!target) return own
  const { extends: _, ...rest } = own
  return merged(extended(target.file === undefined ? name : beside(name, target.file), target.service, depth + 1), rest)
}

function merged(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  const result = { ...below }
  for (const [key, value] of Object.entries(above)) {
    const [under, over] = [mapping.safeParse(result[key]), mapping.safeParse(value)]
    if (under.success && over.success) result[key] = merged(under.data, over.data)
    else if (Array.isArray(result[key]) && Array.isArray(value) && !REPLACED.has(key)) result[key] = [...result[key], ...value]
    else result[key] = value
  }
  return result
}

const REPLACED = new Set(['command', 'entrypoint', 'test'])

function beside(file: string, target: string): string {
  return path.posix.join(path.posix.dirname(file), target)
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Error(`Failed to read ${where}: ${z.prettifyError(parsed.error)}`)
}

/** The networks of a service, in either form; `default` where it names none. */
export function networksOf({ networks, network_mode }: ComposeService): readonly string[] {
  if (network_mode !== undefined) return []
  if (networks === undefined) return ['default']
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

/** The variables of a service, in either form. */
export function environmentOf({ environment = [] }: ComposeService): ReadonlyMap<string, string> {
  if (!Array.isArray(environment)) return new Map(Object.entries(environment).map(([key, value]) => [key, String(value ?? '')]))
  return new Map(environment.map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]))
}
