/** Types for run-lab.mjs, which is plain JavaScript because it runs before anything is installed. */

/** Resolves to the exit code. */
export function runLab(repository: string, node: string, args: readonly string[]): Promise<number>
