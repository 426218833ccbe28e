/** Absolute path of the `nginx` program; `undefined` when there is none. */
export function findNginx(): string | undefined
