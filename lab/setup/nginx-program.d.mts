/** Absolute path of the `nginx` program; `undefined` when there is none. */
export function findNginx(): string | undefined
/** "1.22" */
export const NGINX_VERSION_MIN: string
/** The version of a program that is too old for our files, as "1.18.0". */
export function tooOldNginx(program: string): string | undefined
