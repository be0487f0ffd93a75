// Who uses passkeys alone installs neither `otpauth` nor `uqr`; who needs them is told which, and not before.
import { expect, it } from 'vitest'
import { without } from './without-packages.ts'

const PRELUDE = `
  const { codesOf, squaresOf, uriOf } = await import(${JSON.stringify(new URL('../../src/stepup/totp/packages.ts', import.meta.url).href)})
  await import(${JSON.stringify(new URL('../../src/stepup/totp.ts', import.meta.url).href)})
  const key = { secret: Buffer.alloc(20), algorithm: 'SHA1', digits: 6 }`

it.each([
  ['otpauth', 'codesOf(key)'],
  ['otpauth', "uriOf(key, { issuer: 'x', label: 'y' })"],
  ['uqr', "squaresOf('x')"],
])('without %s, %s says what to install', async (name, script) => {
  const failure = (await without([name], PRELUDE, script)) as { message: string }

  expect(failure).toMatchObject({ name: 'ConfigError', code: 'ERR_CONFIG_INVALID' })
  expect(failure.message).toContain(`'${name}'`)
  expect(failure.message).toContain('npm install otpauth uqr')
})

it('a code is checked without uqr, which only draws', async () => {
  expect(await without(['uqr'], PRELUDE, 'codesOf(key)')).toBe('worked')
})
