/** The entry of stage 1's database service: settings, log, node, port. */
import { runService } from '@relais/shared/http/run-service.ts'
import { readSettings } from '@relais/shared/http/settings.ts'
import { createLog } from '@relais/shared/observe/log.ts'
import { createNode, STAGE1_SETTINGS } from './node.ts'

const settings = readSettings(STAGE1_SETTINGS)
const log = createLog(settings.RELAIS_STAGE, settings.RELAIS_NAME, settings.RELAIS_LOG_LEVEL)
const node = createNode(settings, log)
// A primary without its list is not there: db-lb moves its reads to the replicas, as it would if the process did not run.
await runService(node.service, settings.RELAIS_HOST, settings.RELAIS_PORT, node)
