/** A log that cannot be written costs lines, never the service that writes it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loopbackServer } from '../test/loopback-server.ts'

const SERVICE = `
  import { Service } from ${JSON.stringify(import.meta.resolve('../http/service.ts'))}
  import { runService } from ${JSON.stringify(import.meta.resolve('../http/run-service.ts'))}
  import { createLog } from ${JSON.stringify(import.meta.resolve('./log.ts'))}
  const log = createLog('stage1', 'db1', 'info')
  await runService(new Service({ stage: 'stage1', name: 'db1', log }), '127.0.0.1', Number(process.argv[1]))
  for (let n = 0; n < 3; n++) {
    log.warn('nowhere to go')
    await new Promise((resolve) => log.flush(resolve))
  }
  process.send('flushed')
`

test.skipIf(process.platform !== 'linux')(
  'a service whose log has a full disk lives on, and ends with 0 when it is asked to (Linux: /dev/full)',
  async () => {
    const free = await loopbackServer(() => {})
    await free.close()
    const full = openSync('/dev/full', 'w')
    const service = spawn(process.execPath, ['--input-type=module', '--eval', SERVICE, String(free.port)], {
      stdio: ['ignore', full, 'inherit', 'ipc'],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })
    const ended = once(service, 'close')
    try {
      expect(await Promise.race([once(service, 'message'), ended])).toEqual(['flushed', undefined])
      expect((await fetch(`http://127.0.0.1:${free.port}/livez`)).status).toBe(200)
      service.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
    } finally {
      service.kill('SIGKILL')
      closeSync(full)
    }
  },
)
