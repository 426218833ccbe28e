/** Stages that `up` starts without being told which. */
export const AVAILABLE_STAGES: readonly string[]
/** Of "nginx" and "postgres", what the verb and its arguments need. */
export function programsFor(args: readonly string[]): ReadonlySet<string>
