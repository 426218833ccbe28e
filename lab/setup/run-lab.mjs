/** The lab's command line, after the system has what the verb needs. */
import path from 'node:path'
import { needNginx } from './need-nginx.mjs'
import { needPostgres } from './need-postgres.mjs'
import { programsFor } from './programs-for.mjs'
import { runProgram } from './run-program.mjs'

/** Resolves to the exit code. */
export async function runLab(repository, node, args) {
  const needed = programsFor(args)
  if (needed.has('nginx')) await needNginx()
  if (needed.has('postgres')) await needPostgres()
  // Without it every verb compiles its TypeScript anew. The user's own choice stands above ours.
  const env = { NODE_COMPILE_CACHE: path.join(repository, '.relais', 'compile-cache'), ...process.env }
  return runProgram(node, [path.join(repository, 'lab', 'cli.ts'), ...args], { env })
}
