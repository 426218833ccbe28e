/** What a service of the compose files lacks of the hardening that all of them have; one sentence for each finding. */
import { environmentOf, type ComposeService } from './compose-model.ts'

/** A version of at least two numbers, or three for an image without a suffix rule: "latest", "24" and "stable" move. */
const PINNED = /^[\w./-]+:v?\d+(\.\d+)+[\w.-]*(@sha256:[0-9a-f]{64})?$/
const SECRET_NAME = /(PASS(WORD)?|SECRET|TOKEN|CREDENTIALS?|API_?KEY|PRIVATE_?KEY)(_|$)/i
const LOCAL_PORT = /^(127\.0\.0\.1|\[::1\]|\$\{[A-Z_]+:-127\.0\.0\.1\}):/

/** `isOurs`: its image is built from our Dockerfile, which says who it runs as. */
export function weaknessesOf(service: ComposeService, isOurs = false): string[] {
  return [
    ...(isOurs ? [] : imageOf(service)),
    ...privilegesOf(service, isOurs),
    ...boundsOf(service),
    ...exposureOf(service),
    ...secretsIn(service),
    ...(hasHealthcheck(service) ? [] : ['has no healthcheck and no x-no-healthcheck-because']),
  ]
}

function imageOf({ image }: ComposeService): string[] {
  if (image === undefined) return ['has no image']
  return PINNED.test(image) ? [] : [`its image ${image} is not pinned to a version`]
}

function privilegesOf(service: ComposeService, isOurs: boolean): string[] {
  const { user, read_only, privileged, cap_drop, cap_add, security_opt, network_mode, pid, ipc } = service
  const isRoot = user === undefined ? !isOurs : /^(0|root)(:|$)/.test(user)
  const found = []
  if (read_only !== true && service['x-writable-because'] === undefined) found.push('its root file system can be written to')
  if (privileged === true) found.push('is privileged')
  if (!cap_drop?.includes('ALL')) found.push('does not drop ALL capabilities')
  if (cap_add?.includes('ALL') || cap_add?.includes('SYS_ADMIN')) found.push(`adds the capability ${cap_add.join(', ')}`)
  if (!security_opt?.some((option) => /^no-new-privileges([:=]true)?$/.test(option))) found.push('allows new privileges')
  if (isRoot && service['x-runs-as-root-because'] === undefined) found.push('runs as root without x-runs-as-root-because')
  for (const mode of [network_mode, pid, ipc]) if (mode === 'host') found.push('shares a namespace of the host')
  return found
}

function boundsOf({ logging, mem_limit, pids_limit, deploy }: ComposeService): string[] {
  const limits = deploy?.resources?.limits
  const found = []
  if (logging?.options?.['max-size'] === undefined || logging.options['max-file'] === undefined) found.push('its log is not rotated')
  if ((mem_limit ?? limits?.memory) === undefined) found.push('has no memory limit')
  if ((pids_limit ?? limits?.pids) === undefined) found.push('has no limit of processes')
  return found
}

function exposureOf({ ports = [], volumes = [] }: ComposeService): string[] {
  const open = ports.filter((port) => !LOCAL_PORT.test(typeof port === 'object' ? `${port.host_ip ?? ''}:` : String(port)))
  const mounts = volumes.map((volume) => (typeof volume === 'string' ? volume : (volume.source ?? '')))
  return [
    ...open.map((port) => `publishes ${JSON.stringify(port)} on every interface`),
    ...mounts.filter((mount) => mount.includes('docker.sock')).map((mount) => `mounts the engine's socket (${mount})`),
  ]
}

/** A secret comes as a file: the environment is in `docker inspect`, and in every child process. */
function secretsIn(service: ComposeService): string[] {
  return [...environmentOf(service)].flatMap(([name, value]) => {
    const isFile = /_(FILE|DIR)$|__FILE$/.test(name)
    if (SECRET_NAME.test(name) && !isFile && value !== '') return [`has the secret ${name} in its environment`]
    return /:\/\/[^/@\s]*:[^/@\s]+@/.test(value) ? [`has a password in ${name}`] : []
  })
}

/** A job has none: who depends on it waits for its end. */
function hasHealthcheck(service: ComposeService): boolean {
  if (service['x-no-healthcheck-because'] !== undefined || service.restart === 'no') return true
  const { healthcheck } = service
  return healthcheck !== undefined && healthcheck.disable !== true && healthcheck.test !== undefined
}
