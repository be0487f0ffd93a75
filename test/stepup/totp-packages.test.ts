// Who uses passkeys alone installs neither `otpauth` nor `uqr`; who needs them is told which, and not before.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Runs a script in a process where these packages are not installed. */
async function without(packages: readonly string[], script: string): Promise<unknown> {
  const hooks = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (!${JSON.stringify(packages)}.includes(specifier)) return next(specifier, context)
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })`
  const prelude = `
    const { codesOf, squaresOf, uriOf } = await import(${JSON.stringify(new URL('../../src/stepup/totp/packages.ts', import.meta.url).href)})
    await import(${JSON.stringify(new URL('../../src/stepup/totp.ts', import.meta.url).href)})
    const key = { secret: Buffer.alloc(20), algorithm: 'SHA1', digits: 6 }
    const failure = async (work) => work().then(() => 'worked', ({ name, code, message }) => ({ name, code, message }))
    console.log(JSON.stringify(await failure(async () => ${script})))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--no-warnings',
    '--conditions=sojourn-source',
    '--import',
    `data:text/javascript,${encodeURIComponent(hooks)}`,
    '--input-type=module',
    '--eval',
    prelude,
  ])
  return JSON.parse(stdout)
}

it.each([
  ['otpauth', 'codesOf(key)'],
  ['otpauth', "uriOf(key, { issuer: 'x', label: 'y' })"],
  ['uqr', "squaresOf('x')"],
])('without %s, %s says what to install', async (name, script) => {
  const failure = (await without([name], script)) as { message: string }

  expect(failure).toMatchObject({ name: 'ConfigError', code: 'ERR_CONFIG_INVALID' })
  expect(failure.message).toContain(`'${name}'`)
  expect(failure.message).toContain('npm install otpauth uqr')
})

it('a code is checked without uqr, which only draws', async () => {
  expect(await without(['uqr'], 'codesOf(key)')).toBe('worked')
})
