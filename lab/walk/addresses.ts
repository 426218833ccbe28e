/**
 * Lessons name the addresses that a reader has. Beside another cluster (`RELAIS_PORT_OFFSET`, `RELAIS_STATE_DIR`: tests) the same commands have to reach
 * that one, and what is printed has to look as on the page: so ports and `.relais/` are moved on the way in, and back on the way out.
 */
import path from 'node:path'
import { REPOSITORY } from '../runtime/stage-directory.ts'
import { portsIn, STAGE_NAMES, topologyOf } from '../topology.ts'

export interface Addresses {
  /** In a command, before it runs. */
  readonly moved: (command: string) => string
  /** In the output, before it is shown or judged. */
  readonly asOnThePage: (output: string) => string
}

const ADDRESS = /(?<=\b(?:localhost|127\.0\.0\.1):)\d{2,5}\b/g

export function addressesFor(stateDirectory: string, portOffset: number): Addresses {
  const ports = STAGE_NAMES.flatMap((stage) => [...portsIn(topologyOf(stage)).values()])
  const forth = new Map(ports.map((port) => [String(port), String(port + portOffset)]))
  const back = new Map([...forth].map(([page, real]) => [real, page]))
  const isElsewhere = stateDirectory !== path.join(REPOSITORY, '.relais')
  const replacePorts = (text: string, by: ReadonlyMap<string, string>): string => text.replaceAll(ADDRESS, (port) => by.get(port) ?? port)
  return {
    moved: (command) => {
      const moved = replacePorts(command, forth)
      return isElsewhere ? moved.replaceAll(/(?<![\w./-])\.relais(?=\/)/g, stateDirectory) : moved
    },
    asOnThePage: (output) => {
      const shown = replacePorts(output, back)
      if (!isElsewhere) return shown
      return shown.replaceAll(stateDirectory, '.relais').replaceAll(path.relative(REPOSITORY, stateDirectory), '.relais')
    },
  }
}
