/** What runs in the containers: asked of the images, for a tag may be anything. */
import path from 'node:path'
import { docker } from '../../runtime/compose-engine.ts'
import { REPOSITORY } from '../../runtime/stage-directory.ts'

const ASK_MS_MAX = 30_000
const UNKNOWN = 'unknown'

let asked: Promise<Readonly<Record<string, string>>> | undefined

/** By program, as in `Machine.versions`; asked once. Never rejects. */
export function imageVersions(): Promise<Readonly<Record<string, string>>> {
  asked ??= ask()
  return asked
}

async function ask(): Promise<Readonly<Record<string, string>>> {
  const list = ['compose', '--file', path.join(REPOSITORY, 'compose', 'compose.yaml'), '--profile', '*', 'config', '--images']
  const images = (await docker(list).catch(() => '')).split('\n')
  const of = (kind: RegExp): string | undefined => images.find((image) => kind.test(image))
  const [nginx, postgres, node, engine] = await Promise.all([
    said(of(/^nginx:/), 'nginx', '-v', /nginx\/([\d.]+)/),
    said(of(/^postgres:/), 'postgres', '--version', /([\d.]+)/),
    said(of(/relais-service/), 'node', '--version', /v([\d.]+)/),
    docker(['version', '--format', '{{.Server.Version}}']).then(
      (text) => text.trim(),
      () => UNKNOWN,
    ),
  ])
  return { nginx, postgres, 'node in containers': node, 'container engine': engine }
}

async function said(image: string | undefined, program: string, option: string, pattern: RegExp): Promise<string> {
  if (image === undefined) return UNKNOWN
  // Nginx says so on standard error, which a shell makes one with the other.
  const run = ['run', '--rm', '--network', 'none', '--entrypoint', '/bin/sh', image, '-c', `${program} ${option} 2>&1`]
  return docker(run, ASK_MS_MAX).then(
    (text) => pattern.exec(text)?.[1] ?? UNKNOWN,
    () => UNKNOWN,
  )
}
