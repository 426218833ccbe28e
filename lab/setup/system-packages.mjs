/**
 * Installing what the system itself must bring (Nginx, PostgreSQL, Chromium), by the system's own package manager.
 *
 * As root at once; otherwise through sudo, after saying so. What comes with a service must not start it: Debian's packages start
 * theirs while they are being installed, and Nginx's would take port 80 (`debian-install.mjs` keeps them still).
 */
import { runProgram } from './run-program.mjs'
import { debianScript, debianServiceNote } from './debian-install.mjs'
import { findProgram } from './find-program.mjs'
import { say } from './stop-with.mjs'

/** In the order in which they are looked for. `command` is what a person would type; `script` what we run instead, and `note` what the person should know, where that differs. */
const MANAGERS = [
  {
    program: 'apt-get',
    command: (name) => `apt-get update && apt-get install -y ${name}`,
    script: debianScript,
    note: debianServiceNote,
  },
  { program: 'dnf', command: (name) => `dnf install -y ${name}` },
  { program: 'apk', command: (name) => `apk add ${name}` },
  { program: 'pacman', command: (name) => `pacman -Sy --noconfirm ${name}` },
  { program: 'zypper', command: (name) => `zypper --non-interactive install ${name}` },
  { program: 'brew', command: (name) => `brew install ${name}`, isForUsers: true },
]

/**
 * Installs the package that `names` has for this system's manager.
 * Resolves to `undefined` when it worked, otherwise to what a person can do: the exact command.
 */
export async function installPackage(what, names) {
  const manager = MANAGERS.find(({ program }) => findProgram(program, ['/opt/homebrew/bin', '/usr/local/bin', '/usr/sbin', '/sbin']))
  const name = manager && names[manager.program]
  if (!name) return `Install ${what} by hand: no package of it is known for this system.`
  const isRoot = process.getuid?.() === 0
  const needsRoot = !manager.isForUsers && !isRoot
  const command = manager.command(name)
  const hasSudo = findProgram('sudo') !== undefined
  const how = !needsRoot ? `Run: ${command}` : hasSudo ? `Run: sudo sh -c '${command}'` : `As root, run: ${command}`
  const byHand = `${how}${manager.note?.(name) ?? ''}`
  if (needsRoot && !hasSudo) return byHand
  if (manager.isForUsers && isRoot) return `As an ordinary user, run: ${command}`
  say(`${what} is missing. Installing it${needsRoot ? ' through sudo, which may ask for your password' : ''}: ${command}`)
  const shell = ['sh', '-c', manager.script?.(name) ?? command]
  // Without a terminal nobody can type a password: fail at once instead of waiting.
  const [program, ...args] = needsRoot ? ['sudo', ...(process.stdin.isTTY ? [] : ['-n']), ...shell] : shell
  const code = await runProgram(program, args, { stdio: [needsRoot ? 'inherit' : 'ignore', 2, 2] })
  return code === 0 ? undefined : byHand
}
