/** Runs code as where an optional package is not installed. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * @param packages - What nobody can import there.
 * @param prelude - Statements that come first.
 * @param script - An expression; it may reject.
 * @returns `worked`, or name, code and message of the error.
 */
export async function without(packages: readonly string[], prelude: string, script: string): Promise<unknown> {
  const hooks = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (!${JSON.stringify(packages)}.includes(specifier)) return next(specifier, context)
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })`
  const module = `
    ${prelude}
    const failure = async (work) => work().then(() => 'worked', ({ name, code, message }) => ({ name, code, message }))
    console.log(JSON.stringify(await failure(async () => ${script})))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--no-warnings',
    '--conditions=sojourn-source',
    '--import',
    `data:text/javascript,${encodeURIComponent(hooks)}`,
    '--input-type=module',
    '--eval',
    module,
  ])
  return JSON.parse(stdout)
}
