/** Types of find-program.mjs. */
export function findProgram(name: string, directories?: readonly string[]): string | undefined
