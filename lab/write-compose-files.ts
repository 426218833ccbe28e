/**
 * Writes compose/generated anew, after a change of lab/topology.ts: `node_modules/.bin/node lab/write-compose-files.ts`.
 * The files are committed, so that plain `docker compose` needs no Node; a test says when they are not current.
 */
import path from 'node:path'
import { writeComposeNginxFiles } from './runtime/compose-nginx-files.ts'
import { REPOSITORY } from './runtime/stage-directory.ts'

writeComposeNginxFiles(path.join(REPOSITORY, 'compose', 'generated'))
