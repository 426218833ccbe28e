/** The entry of stage 1's database service: settings, log, node, port. */
import { readSettings } from '@relais/shared/http/settings.ts'
import { createLog } from '@relais/shared/observe/log.ts'
import { createNode, STAGE1_SETTINGS } from './node.ts'
import { runNode } from './run-node.ts'

const settings = readSettings(STAGE1_SETTINGS)
const log = createLog(settings.RELAIS_STAGE, settings.RELAIS_NAME, settings.RELAIS_LOG_LEVEL)
await runNode(createNode(settings, log), settings)
