/** `start STAGE/NAME`. What it does is the runtime's business: runtime/runtime.ts. */
import { actionOnInstance } from '../command-line/action-on-instance.ts'

export const command = actionOnInstance('start', 'Starts an instance again, with the same command, and waits until it is ready.')
