/** For tests: a service without a port or a log. */
import { Service, type ServiceOptions } from '../http/service.ts'
import { SILENT_LOG } from '../observe/log.ts'

export function testService(name: string, options: Partial<ServiceOptions> = {}): Service {
  return new Service({ stage: 'stage1', name, log: SILENT_LOG, ...options })
}
