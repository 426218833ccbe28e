/** `pause STAGE/NAME`. What it does is the runtime's business: runtime/runtime.ts. */
import { actionOnInstance } from '../command-line/action-on-instance.ts'

export const command = actionOnInstance('pause', 'Freezes an instance (SIGSTOP): it keeps its connections and answers nothing.')
