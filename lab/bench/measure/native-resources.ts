/** CPU and memory of instances that are processes of this machine. */
import type { StageDirectory } from '../../runtime/stage-directory.ts'
import type { ResourceMeter } from './observation.ts'

/** For the stage whose state is in this directory. */
export function nativeResources(_directory: StageDirectory): ResourceMeter {
  throw new Error('not there yet')
}
