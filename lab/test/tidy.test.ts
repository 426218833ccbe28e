/**
 * Keeps the tree honest: what the documents say exists, what the style asks for holds, and every entry starts.
 *
 * Documents rot without a sound: a path moves, a verb is renamed, an error gets another status, and nothing fails. Here each
 * of these is a failing test that names the file and what it found.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import getPort from 'get-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ERRORS } from '@relais/shared/http/errors.ts'
import { COMMON_OPTIONS, type Command } from '../command-line/command.ts'
import { parseTarget } from '../command-line/parse-arguments.ts'
import { askOnce } from '../runtime/ask-once.ts'
import { testNginxFiles, writeNginxFiles } from '../runtime/nginx-files.ts'
import { POLICIES } from '../runtime/runtime.ts'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { topologyOf } from '../topology.ts'

const NOT_OURS = new Set(['.git', '.relais', 'node_modules'])
const PACKAGES = ['shared', 'stage1-memory', 'stage2-postgres', 'lab']
const ENTRY_LINES_MAX = 40
const SELF = path.relative(REPOSITORY, import.meta.filename)

const FILES = filesBelow('.')
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md'))
const MODULES = FILES.filter((file) => /\.m?[jt]s$/.test(file))
const VERBS = [...read('lab/cli.ts').matchAll(/import\('\.\/commands\/([a-z-]+)\.ts'\)/g)].map(([, verb]) => verb!)
const ENTRIES = ['shared/frontend/main.ts', 'shared/backend/main.ts', 'stage1-memory/main.ts', 'stage2-postgres/main.ts'].filter(exists)

/** Paths relative to the repository, with slashes. */
function filesBelow(directory: string): string[] {
  return readdirSync(path.join(REPOSITORY, directory), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(directory, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesBelow(name)
    return entry.isFile() ? [name] : []
  })
}

function exists(file: string): boolean {
  return existsSync(path.join(REPOSITORY, file))
}

function read(file: string): string {
  return readFileSync(path.join(REPOSITORY, file), 'utf8')
}

/** A document as a reader sees it: what stands in an HTML comment is switched off. */
function shown(document: string): string {
  return read(document).replaceAll(/<!--.*?-->/gs, '')
}

/** One line for each finding, so that a failure says all there is to mend. */
function findings(files: readonly string[], find: (file: string) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((found) => `${file}: ${found}`))
}

describe('documents', () => {
  test('link only to files and headings that exist', () => {
    const broken = findings(DOCUMENTS, (document) =>
      [...withoutCode(shown(document)).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target!)
        .filter((target) => !/^[a-z]+:/.test(target) && !isReachable(document, target)),
    )
    expect(broken).toEqual([])
  })

  test('name only files that exist', () => {
    const missing = findings(DOCUMENTS, (document) => pathsNamedIn(shown(document)).filter((name) => !existsFrom(document, name)))
    expect(missing).toEqual([])
  })

  test('name only npm scripts, verbs, options and instances that exist', async () => {
    for (const verb of VERBS) OPTIONS.set(verb, await optionsOf(verb))
    const wrong = findings(DOCUMENTS, (document) => commandsIn(shown(document)).flatMap(wrongIn))
    expect(wrong).toEqual([])
  })

  test('of the README list every verb of the lab', () => {
    const table = shown('README.md').split('\n## The lab\n')[1]!.split('\n## ')[0]!
    const listed = [...table.matchAll(/^\| (`.*?) \| /gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([a-z-]+)/g)].map(([, verb]) => verb!),
    )
    expect(listed.toSorted()).toEqual(VERBS.toSorted())
  })

  test('mention in comments only documents and modules that exist', () => {
    const sources = FILES.filter((file) => /\.(m?[jt]s|conf|sql|sh)$/.test(file) && file !== SELF)
    const missing = findings(sources, (file) => pathsNamedIn(commentsOf(file)).filter((name) => !existsFrom(file, name)))
    expect(missing).toEqual([])
  })

  test('list the errors exactly as the code has them', () => {
    const rows = [...shown('docs/ERRORS.md').matchAll(/^\| `([a-z-]+)` \| (\d+) \| (yes|no) \| ?(\d*) \| (.*) \|$/gm)]
    const documented = rows.map(([, slug, status, definite, seconds, meaning]) => ({ slug, status, definite, seconds, meaning }))
    const inCode = Object.entries(ERRORS).map(([slug, row]) => ({
      slug,
      status: String(row.status),
      definite: row.definite ? 'yes' : 'no',
      seconds: 'retryAfterSeconds' in row ? String(row.retryAfterSeconds) : '',
      meaning: row.meaning,
    }))
    expect(documented).toEqual(inCode)
  })

  test('name each limit by a constant that its file has', () => {
    const section = shown('docs/ARCHITECTURE.md').split('\n## Limits\n')[1]!.split('\n## ')[0]!
    const rows = section.split('\n').filter((line) => line.includes(']('))
    expect(rows.length).toBeGreaterThan(10)
    const missing = rows.flatMap((row) => {
      const texts = [...row.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => read(path.posix.join('docs', target!))).join('\n')
      const names = [
        ...row
          .split('|')
          .at(-2)!
          .matchAll(/`([^`]+)`/g),
      ].map(([, name]) => name!)
      return names.filter((name) => !texts.includes(name)).map((name) => `${name} in ${row}`)
    })
    expect(missing).toEqual([])
  })

  test('explain each word of the glossary once, in order', () => {
    const words = [...shown('docs/GLOSSARY.md').matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(([, word]) => word!.trim()).slice(1)
    expect(words.length).toBeGreaterThan(40)
    const key = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
    expect(words.map(key)).toEqual([...new Set(words.map(key))].toSorted())
  })

  test('number the decisions without a gap, each with context, decision, consequences and evidence', () => {
    const decisions = FILES.filter((file) => file.startsWith('docs/decisions/')).toSorted()
    expect(decisions.map((file) => Number(path.basename(file).slice(0, 4)))).toEqual(decisions.map((_, index) => index + 1))
    const incomplete = findings(decisions, (file) =>
      ['Context', 'Decision', 'Consequences', 'Evidence'].filter((part) => !read(file).includes(`**${part}.**`)),
    )
    expect(incomplete).toEqual([])
  })
})

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')
}

function isReachable(document: string, target: string): boolean {
  const [file, anchor] = target.split('#', 2)
  const named = file === '' ? document : path.posix.join(path.posix.dirname(document), file!)
  if (!exists(named)) return false
  if (anchor === undefined) return true
  const headings = [...read(named).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return headings.includes(anchor)
}

/** "shared/http/errors.ts", "docs/decisions": from the repository's root, and with an ending or a slash at the end of a folder. */
function pathsNamedIn(text: string): string[] {
  const named = text.matchAll(/(?<![\w./-])(?:shared|stage1-memory|stage2-postgres|lab|nginx|docs|compose)\/[\w./-]*\w/g)
  return [...named].map(([name]) => name).filter((name) => /\.[a-z]{2,4}$/.test(name))
}

/** Told from the root, or as people do beside each other, from the folder of the file that says so. */
function existsFrom(file: string, name: string): boolean {
  return [name, path.posix.join(path.posix.dirname(file), name), path.posix.join(file.split('/')[0]!, name)].some(exists)
}

function commentsOf(file: string): string {
  const text = read(file)
  if (/\.m?[jt]s$/.test(file)) return [...text.matchAll(/\/\*\*?.*?\*\/|^\s*\/\/.*$/gms)].map(([comment]) => comment).join('\n')
  return [...text.matchAll(/^\s*(?:#|--).*$/gm)].map(([comment]) => comment).join('\n')
}

/** Each `npm …` as words, up to what ends a command in prose or in a shell. */
function commandsIn(text: string): string[][] {
  return [...text.matchAll(/\bnpm (?:run|start|test)\b[^`\n|#;…)]*/g)].map(([command]) =>
    command
      .trim()
      .replace(/[.,:]$/, '')
      .split(/\s+/),
  )
}

function wrongIn([, ...words]: string[]): string[] {
  const script = words[0] === 'run' ? words[1] : words[0]
  const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts
  if (!script || !Object.hasOwn(scripts, script)) return [`no script "${script}"`]
  const args = words.slice(words.indexOf('--') + 1)
  if (!words.includes('--')) return []
  if (script === 'start') return wrongOptions('up', args)
  const [verb, ...rest] = args
  if (script !== 'lab' || !verb || /^[A-Z]+$/.test(verb)) return []
  if (!VERBS.includes(verb)) return [`no verb "${verb}"`]
  return [...wrongOptions(verb, rest), ...wrongTarget(verb, rest)]
}

const OPTIONS = new Map<string, ReadonlySet<string>>()

async function optionsOf(verb: string): Promise<ReadonlySet<string>> {
  const { command } = (await import(`../commands/${verb}.ts`)) as { command: Command }
  return new Set(Object.keys({ ...COMMON_OPTIONS, ...command.options }))
}

function wrongOptions(verb: string, args: readonly string[]): string[] {
  const options = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2).split('=')[0]!)
  return options.filter((option) => !OPTIONS.get(verb)!.has(option)).map((option) => `no option --${option} of ${verb}`)
}

function wrongTarget(verb: string, args: readonly string[]): string[] {
  const target = args.find((arg) => /^stage\d\//.test(arg))
  try {
    if (target) parseTarget(verb, target)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

describe('the tree', () => {
  test('has a header comment at the start of every source file', () => {
    const hasSubject = (file: string): boolean => file.endsWith('.test.ts') && exists(file.replace('.test.ts', '.ts'))
    const starts: Record<string, RegExp> = {
      ts: /^\/\*\*/,
      mts: /^\/\*\*/,
      mjs: /^(\/\*\*|\/\/)/,
      css: /^\/\*/,
      conf: /^#/,
      sql: /^--/,
      sh: /^#!.*\n#/,
    }
    // A unit test is told by the header of the file beside it.
    const without = FILES.filter((file) => {
      const start = starts[file.split('.').at(-1)!]
      return start && !start.test(read(file)) && !hasSubject(file)
    })
    expect(without).toEqual([])
  })

  test('has no file or folder that is named after nothing', () => {
    const nameless = /(^|[/-])(utils?|helpers?|common|managers?|impl|misc)(?=[./-])|(^|\/)index\.m?[jt]s$/
    expect(FILES.filter((file) => nameless.test(file))).toEqual([])
  })

  test('has no barrel: a module exports what is its own', () => {
    expect(findings(MODULES, (file) => read(file).match(/^export (\*|\{[^}]*\}|type \{[^}]*\}) from .*$/gm) ?? [])).toEqual([])
  })

  test(`keeps every entry file within ${ENTRY_LINES_MAX} lines`, () => {
    const entries = [...ENTRIES, 'lab/cli.ts', 'lab/start.mjs']
    const long = findings(entries, (file) => {
      const lines = read(file).trimEnd().split('\n').length
      return lines > ENTRY_LINES_MAX ? [`${lines} lines`] : []
    })
    expect(long).toEqual([])
  })

  test("says primary and replica; Nginx's own word for its first process stands only beside it", () => {
    const refused = new RegExp(['sla', 've'].join(''), 'i')
    const bound = new RegExp(`\\b${['mas', 'ter'].join('')}s?\\b`, 'i')
    const texts = FILES.filter((file) => file !== SELF && file !== 'pnpm-lock.yaml' && isText(file))
    const found = findings(texts, (file) =>
      read(file)
        .split('\n')
        .filter((line) => refused.test(line) || (bound.test(line) && !/nginx|worker|SIG[A-Z]+/i.test(line))),
    )
    expect(found).toEqual([])
  })

  test('names no path of one machine and no registry of its own', () => {
    const machine = new RegExp(`(?<![\\w.~-])/(${['root', 'home', 'Users', 'work', 'mnt'].join('|')})/[\\w.]`)
    const registry = /https?:\/\/[\w.:-]*(registry|artifactory|nexus|verdaccio|npm-proxy)[\w.:-]*|^\s*(registry|_authToken)\s*=|tarball:/m
    const found = findings(
      FILES.filter((file) => file !== SELF && isText(file)),
      (file) => {
        const text = read(file)
        return [machine.exec(text)?.[0], registry.exec(text)?.[0]].filter((hit) => hit !== undefined)
      },
    )
    expect(found).toEqual([])
  })

  test('leaves no test focused', () => {
    const focused = new RegExp(`\\b(it|test|describe)\\.${['on', 'ly'].join('')}\\(`)
    expect(MODULES.filter((file) => file.endsWith('.test.ts') && focused.test(read(file)))).toEqual([])
  })
})

const TEXT = /\.(m?[jt]s|json|ya?ml|md|conf|sql|sh|css|svg|html)$/

function isText(file: string): boolean {
  return (TEXT.test(file) || !path.basename(file).slice(1).includes('.')) && statSync(path.join(REPOSITORY, file)).size < 1024 * 1024
}

describe('imports', () => {
  /** What each package may take from the others. */
  const allowed: Record<string, readonly string[]> = {
    shared: [],
    'stage1-memory': ['shared'],
    'stage2-postgres': ['shared'],
    lab: ['shared', 'stage1-memory', 'stage2-postgres'],
  }

  test.each(PACKAGES)('of %s reach only the packages below it', (name) => {
    const modules = MODULES.filter((file) => file.startsWith(`${name}/`))
    const outside = findings(modules, (file) => importsOf(file).filter((target) => !isAllowed(name, file, target)))
    expect(outside).toEqual([])
  })

  function isAllowed(name: string, file: string, target: string): boolean {
    const other = /^@relais\/([^/]+)/.exec(target)?.[1]
    if (other !== undefined) return allowed[name]!.includes(other)
    if (!target.startsWith('.')) return true
    return path.posix.join(path.posix.dirname(file), target).startsWith(`${name}/`)
  }

  test('of the set-up, which runs before anything is installed, are only its own and Node’s', () => {
    const early = MODULES.filter((file) => file === 'lab/start.mjs' || (file.startsWith('lab/setup/') && file.endsWith('.mjs')))
    expect(findings(early, (file) => importsOf(file).filter((target) => !/^node:|^\.\.?\/.*\.mjs$/.test(target)))).toEqual([])
  })

  test('of other modules name files that exist', () => {
    const broken = findings(MODULES, (file) =>
      importsOf(file).filter((target) => target.startsWith('.') && !exists(path.posix.join(path.posix.dirname(file), target))),
    )
    expect(broken).toEqual([])
  })
})

function importsOf(file: string): string[] {
  const code = read(file).replaceAll(/\/\*.*?\*\//gs, '')
  const statements = code.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...statements].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!)
}

describe('every Nginx file', () => {
  let directory: string
  // Not while the tests are collected: a run of others would leave it behind.
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'relais-tidy-nginx-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test('of a policy has its word in the lab', () => {
    expect(readdirSync(path.join(REPOSITORY, 'nginx', 'policies')).toSorted()).toEqual(
      POLICIES.map((policy) => `${policy}.conf`).toSorted(),
    )
  })

  test('among the snippets is included by some other', () => {
    const texts = FILES.filter((file) => /^nginx\/.*\.conf$|^lab\/runtime\/(compose-)?nginx-files\.ts$/.test(file)).map(read)
    const snippets = FILES.filter((file) => file.startsWith('nginx/snippets/')).map((file) => file.slice('nginx/'.length))
    expect(snippets.filter((name) => !texts.some((text) => text.includes(`include ${name};`)))).toEqual([])
  })

  // `nginx -t` asks for the pages of this machine only, and most machines have small ones.
  test('gives each zone the 8 memory pages that Nginx asks for, where a page is 64 KiB as well', () => {
    const zones = findings(
      FILES.filter((file) => file.endsWith('.conf')),
      (file) => [...read(file).matchAll(/^[^#\n]*zone[ =](\w+)[ :](\d+[km])\b/gm)].map(([, name, size]) => `${name} ${size}`),
    )
    expect(zones.length).toBeGreaterThan(5)
    const bytes = (zone: string): number => parseInt(zone.split(' ').at(-1)!, 10) * (zone.endsWith('m') ? 1024 ** 2 : 1024)
    expect(zones.filter((zone) => bytes(zone) < 8 * 64 * 1024)).toEqual([])
  })

  test.each(POLICIES)('is accepted by nginx -t at every tier of both stages with the policy %s', async (policy) => {
    for (const topology of [topologyOf('stage1'), topologyOf('stage2')]) {
      for (const balancer of topology.loadBalancers) {
        const prefix = path.join(directory, policy, topology.stage, balancer.name)
        writeNginxFiles(topology, balancer, prefix, policy)
        await expect(testNginxFiles(balancer, prefix)).resolves.toBeUndefined()
      }
    }
  })
})

describe('every entry', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'relais-tidy-entry-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test.each(ENTRIES)('%s runs under plain Node, serves, and ends with 0 on SIGTERM', async (entry) => {
    const port = await getPort()
    const service = start(entry, environmentOf(entry, port))
    await expect.poll(() => livez(port), { timeout: 15_000, message: service.errors() }).toBe(200)
    service.child.kill('SIGTERM')
    expect(await service.ended).toEqual([0, null])
  })

  test.each(ENTRIES)('%s ends with 2 and names the setting when one is missing', async (entry) => {
    const service = start(entry, { RELAIS_STAGE: 'stage1', RELAIS_NAME: 'db1' })
    expect(await service.ended).toEqual([2, null])
    expect(service.errors()).toContain('RELAIS_PORT is not set')
  })

  /** Everything that any of the entries asks for; there is no next tier and no PostgreSQL behind it. */
  function environmentOf(entry: string, port: number): Record<string, string> {
    const secretFile = path.join(directory, 'secret')
    for (const name of ['secret', 'app', 'readonly', 'monitor']) writeFileSync(path.join(directory, name), 'ab'.repeat(32), { mode: 0o600 })
    return {
      RELAIS_STAGE: entry.startsWith('stage2') ? 'stage2' : 'stage1',
      RELAIS_NAME: entry.includes('frontend') ? 'frontend1' : entry.includes('backend') ? 'backend1' : 'db1',
      RELAIS_PORT: String(port),
      RELAIS_UPSTREAM: 'http://127.0.0.1:9',
      RELAIS_ROLE: 'primary',
      RELAIS_DATA_DIR: path.join(directory, entry.replaceAll('/', '-')),
      RELAIS_SECRET_FILE: secretFile,
      RELAIS_POSTGRES_PORT: '9',
      RELAIS_POSTGRES_SECRETS_DIR: directory,
    }
  }

  function start(entry: string, env: Record<string, string>) {
    const child = spawn(process.execPath, [entry], { cwd: REPOSITORY, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    return { child, ended: once(child, 'close'), errors: () => text }
  }

  async function livez(port: number): Promise<number> {
    return askOnce(`http://127.0.0.1:${port}/livez`, 1_000).then(
      ({ status }) => status,
      () => 0,
    )
  }
})
