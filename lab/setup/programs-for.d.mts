/** Of "nginx" and "postgres", what the verb and its arguments need. */
export function programsFor(args: readonly string[]): ReadonlySet<string>
