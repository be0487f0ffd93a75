/** Small secrets beside the data they belong to, made once. */
import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { StartError, systemCode } from './start-error.ts'

/**
 * Writes a file whole under another name and then links it: of two processes that start at once, one is first and the other finds the file.
 *
 * @returns Whether it was this process.
 */
export function writeOnce(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    linkSync(draft, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw new StartError(`The file ${path} cannot be written (${systemCode(error)}); make its folder yours.`)
  } finally {
    rmSync(draft, { force: true })
  }
}
