// What browsers would refuse without a word is refused at start-up.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { resolvePasskeys } from '../../../src/stepup/passkeys/options.ts'
import { thrownBy } from '../../core/support.ts'
import { OPTIONS } from './support.ts'

const resolve = (more: object) => resolvePasskeys({ ...OPTIONS, ...more })

describe('origins', () => {
  it.each([
    [['https://shop.example']],
    [['https://shop.example:8443', 'https://shop.example']],
    [['http://localhost:3000']],
    [['https://localhost:3000']],
    [['http://shop.localhost:3000']],
  ])('%j', (origins) => {
    expect(resolve({ origins }).origins).toEqual(origins)
  })

  it.each([
    [undefined],
    [[]],
    ['https://shop.example'],
    [['https://shop.example', 'https://shop.example']],
    [['https://shop.example/']],
    [['https://shop.example/login']],
    [['https://SHOP.example']],
    [['https://shop.example:443']],
    [['http://shop.example']],
    [['https://127.0.0.1']],
    [['https://[::1]']],
    [['shop.example']],
    [['*']],
    [['null']],
    [[7]],
    [['https://user@shop.example']],
  ])('not %j', (origins) => {
    expect(thrownBy(() => resolve({ origins })).code).toBe('ERR_CONFIG_INVALID')
  })
})

describe('rpId', () => {
  it.each([
    [['https://shop.example'], undefined, 'shop.example'],
    [['https://shop.example', 'https://shop.example:8443'], undefined, 'shop.example'],
    [['https://a.shop.example', 'https://b.shop.example'], 'shop.example', 'shop.example'],
    [['https://shop.example', 'https://a.shop.example'], 'shop.example', 'shop.example'],
    [['http://localhost:3000'], undefined, 'localhost'],
  ])('of %j and %j is %j', (origins, rpId, expected) => {
    expect(resolve({ origins, ...(rpId === undefined ? {} : { rpId }) }).rpId).toBe(expected)
  })

  it.each([
    [['https://a.shop.example', 'https://b.shop.example'], undefined],
    [['https://shop.example'], 'a.shop.example'],
    [['https://shop.example'], 'hop.example'],
    [['https://shop.example'], 'example'],
    [['https://shop.example'], 'evil.example'],
    [['https://shop.example'], 'https://shop.example'],
    [['https://shop.example'], 'SHOP.example'],
    [['https://shop.example'], '.example'],
    [['https://shop.example'], ''],
    [['https://shop.example'], 7],
    [['https://shop.example', 'https://evil.example'], 'shop.example'],
  ])('not of %j and %j', (origins, rpId) => {
    expect(thrownBy(() => resolve({ origins, ...(rpId === undefined ? {} : { rpId }) })).code).toBe('ERR_CONFIG_INVALID')
  })
})

describe('the rest', () => {
  it('is safe without any of it', () => {
    expect(resolve({})).toMatchObject({ userVerification: 'required', challengeLifetime: minutes(5), mostPerPerson: 20 })
  })

  it.each([
    [{ rpName: '' }],
    [{ rpName: 7 }],
    [{ rpName: 'x'.repeat(65) }],
    [{ userVerification: 'discouraged' }],
    [{ challengeLifetime: 300 }],
    [{ challengeLifetime: minutes(11) }],
    [{ challengeLifetime: '5m' }],
    [{ mostPerPerson: 0 }],
    [{ mostPerPerson: 1.5 }],
    [{ userverification: 'preferred' }],
  ])('not %j', (more) => {
    expect(thrownBy(() => resolve(more)).message).toMatch(/expected .* because .* See docs\/guide\/passkeys\.md\./)
  })
})
