/** Resolves to `undefined` when the package is installed, otherwise to what a person can do. `names`: the package's name by manager. */
export function installPackage(what: string, names: Readonly<Record<string, string>>): Promise<string | undefined>
