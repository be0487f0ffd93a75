// The package is an optional peer: who does not use this entry does not install it; who does is told at start-up.
import { expect, it } from 'vitest'
import { KEY } from '../../core/support.ts'
import { without } from '../without-packages.ts'

const PACKAGE = '@serenity-kit/opaque'
const PRELUDE = `
  import { createSessions } from 'sojourn'
  import { memoryStore } from 'sojourn/stores/memory'
  import { createOpaque, newOpaqueSetup } from 'sojourn/stepup/opaque'
  await import('sojourn/stepup')
  const sessions = createSessions({ store: memoryStore(), keys: '${KEY}' })
  const throttle = { attempt: async () => ({ isAllowed: true }), succeeded: async () => {} }`

it.each(['newOpaqueSetup(sessions)', "createOpaque(sessions, { setup: 'x', find: () => undefined, throttle })"])(
  'without the package %s says what to install',
  async (script) => {
    expect(await without([PACKAGE], PRELUDE, script)).toEqual({
      name: 'ConfigError',
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`npm install ${PACKAGE}`),
    })
  },
)

it('with it, a setup is made', async () => {
  expect(await without([], PRELUDE, 'newOpaqueSetup(sessions)')).toBe('worked')
})
