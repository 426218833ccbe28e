/** `kill STAGE/NAME`. What it does is the runtime's business: runtime/runtime.ts. */
import { actionOnInstance } from '../command-line/action-on-instance.ts'

export const command = actionOnInstance('kill', 'Kills an instance at once, like a crash (SIGKILL).')
