/** `stop STAGE/NAME`. What it does is the runtime's business: runtime/runtime.ts. */
import { actionOnInstance } from '../command-line/action-on-instance.ts'

export const command = actionOnInstance('stop', 'Asks an instance to exit (SIGTERM) and waits until it has.')
