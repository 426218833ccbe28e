/**
 * The bench's entry in a container: `docker compose … run --rm bench [options]`. It measures what Compose started beside it, starts
 * nothing, and needs neither the engine nor Node on the machine. See compose/bench.yaml.
 */
import { COMMON_OPTIONS, type Context } from '../../command-line/command.ts'
import { parseArguments } from '../../command-line/parse-arguments.ts'
import { Failure } from '../../failure.ts'
import { CONTAINER_OPTIONS, CONTAINER_HELP, readContainerRequest } from './container-options.ts'
import { measureRunning } from './measure-running.ts'

const print: Context['print'] = (line = '') => void process.stdout.write(`${line}\n`)
const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort())

try {
  const given = parseArguments('bench', process.argv.slice(2), { ...CONTAINER_OPTIONS, help: COMMON_OPTIONS.help }, 0)
  if (given.values['help'] === true) print(CONTAINER_HELP)
  else process.exitCode = await measureRunning(readContainerRequest(given, process.env), print, controller.signal)
} catch (error) {
  if (!(error instanceof Failure)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}
