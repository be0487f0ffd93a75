// Who uses codes alone does not install `@simplewebauthn/server`; who wants passkeys without it hears of it at start-up.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const HOOKS = `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('@simplewebauthn/')) return next(specifier, context)
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })`

const href = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href)

it('is loaded by nothing before passkeys are asked for, and is named where it is missing', async () => {
  const script = `
    const { createSessions } = await import(${href('index.ts')})
    const { memoryStore } = await import(${href('stores/memory.ts')})
    const { memoryFactorStore } = await import(${href('stepup/stores/memory.ts')})
    const { createStepUp } = await import(${href('stepup/stepup.ts')})
    const { randomBytes } = await import('node:crypto')
    const sessions = createSessions({ store: memoryStore(), keys: randomBytes(32).toString('base64url') })
    const options = { factors: memoryFactorStore(), issuer: 'Shop' }
    const failure = (more) => {
      try {
        createStepUp(sessions, { ...options, ...more })
        return 'made'
      } catch ({ name, code, message }) {
        return { name, code, message }
      }
    }
    console.log(JSON.stringify([failure({}), failure({ origins: ['https://shop.example'] })]))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--no-warnings',
    '--conditions=sojourn-source',
    '--import',
    `data:text/javascript,${encodeURIComponent(HOOKS)}`,
    '--input-type=module',
    '--eval',
    script,
  ])
  const [without, withOrigins] = JSON.parse(stdout) as ['made', { code: string; message: string }]

  expect(without).toBe('made')
  expect(withOrigins).toMatchObject({ name: 'ConfigError', code: 'ERR_CONFIG_INVALID' })
  expect(withOrigins.message).toContain('npm install @simplewebauthn/server')
})
