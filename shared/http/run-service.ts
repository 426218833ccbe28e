/**
 * From an entry file to a running process: listen, say so, and end well on SIGTERM or SIGINT, also before it listens.
 *
 * Signals are heard first: what is owned may take long to begin, and in a container, where Node is process 1, a signal without a handler
 * is ignored until the container is killed.
 *
 * Exit codes: 0 asked to stop and done, 1 could not start (one line on standard error) or a defect, 2 bad settings.
 */
import { setFlagsFromString } from 'node:v8'
import type { Service } from './service.ts'
import { listen, type RunningServer } from './server.ts'

export interface Owned {
  /** What must have happened before the service listens; resolves as well when it is closed. */
  readonly begun?: Promise<unknown>
  close(): void | Promise<void>
}

/** `owned` are closed after the last request, in order. */
export async function runService(service: Service, host: string, port: number, ...owned: Owned[]): Promise<void> {
  // V8 might take what is in flight at a collection for long-lived, and allocate its like among the old for good (decision 0050).
  setFlagsFromString('--no-allocation-site-pretenuring')
  const { log, name } = service.options
  let server: RunningServer | undefined
  let isEnding = false
  const end = async (signal: string): Promise<void> => {
    if (isEnding) return
    isEnding = true
    log.info({ signal }, 'stopping')
    await server?.close()
    for (const one of owned) await one.close()
    service.flushLog()
    log.info('stopped')
    log.flush(() => process.exit(0))
  }
  process.on('SIGTERM', (signal) => void end(signal))
  process.on('SIGINT', (signal) => void end(signal))

  for (const { begun } of owned) await begun
  if (isEnding) return
  try {
    server = await listen(service, host, port)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const found = code === 'EADDRINUSE' ? 'the port is taken by another process' : String(error)
    process.stderr.write(`Failed to start ${name} on ${host}:${port}: ${found}; expected a free port.\n`)
    process.exit(1)
  }
  log.info({ host, port, pid: process.pid }, 'listening')
}
