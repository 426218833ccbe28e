/** The frontend's entry: settings, log, routes, port. */
import { createLog } from '../observe/log.ts'
import { InjectedFaults } from '../http/injected-faults.ts'
import { runService } from '../http/run-service.ts'
import { Service } from '../http/service.ts'
import { FRONTEND_SETTINGS, readSettings } from '../http/settings.ts'
import { TierClient } from '../http/tier-client.ts'
import { mountFrontend } from './app.ts'

const settings = readSettings(FRONTEND_SETTINGS)
const log = createLog(settings.RELAIS_STAGE, settings.RELAIS_NAME, settings.RELAIS_LOG_LEVEL)
const faults = new InjectedFaults(settings.RELAIS_FAULTS_FILE, log)
const service = new Service({
  stage: settings.RELAIS_STAGE,
  name: settings.RELAIS_NAME,
  log,
  inFlightMax: settings.RELAIS_IN_FLIGHT_MAX,
  faults,
})
// Longer than backend-lb's two tries of a read, shorter than frontend-lb's timeout.
const backendTier = new TierClient(settings.RELAIS_UPSTREAM, { deadlineMs: 7_500 })
mountFrontend(service, backendTier, settings.RELAIS_SINGLE)
await runService(service, settings.RELAIS_HOST, settings.RELAIS_PORT, backendTier)
