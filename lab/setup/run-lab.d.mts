/** Types of run-lab.mjs. */
export function runLab(repository: string, node: string, args: readonly string[]): Promise<number>
