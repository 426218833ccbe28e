/**
 * A program by name, in PATH and then in the places where systems keep what is not in everybody's PATH.
 */
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

/** Absolute path, or `undefined`. */
export function findProgram(name, directories = []) {
  const inPath = (process.env.PATH ?? '').split(path.delimiter).filter((directory) => path.isAbsolute(directory))
  return [...inPath, ...directories].map((directory) => path.join(directory, name)).find(isExecutable)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
