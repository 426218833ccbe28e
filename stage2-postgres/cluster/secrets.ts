/** One generated password a role, each in a file of its own that only its owner can read. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LOGINS = ['admin', 'owner', 'app', 'readonly', 'replicator', 'monitor'] as const
export type Login = (typeof LOGINS)[number]

/** The role's name in PostgreSQL. */
export function roleOf(login: Login): string {
  return `relais_${login}`
}

/** Makes what is missing; passwords that exist are in the database already and stay. */
export function makeSecrets(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  for (const login of LOGINS) {
    const path = join(directory, login)
    if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
  }
}

export function readSecret(directory: string, login: Login): string {
  return readFileSync(join(directory, login), 'utf8').trim()
}
