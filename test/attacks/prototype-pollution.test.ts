// The attacker has: control over JSON bodies, keys of session data, cookie names and values, subjects.
// The attacker does: sends `__proto__`, `constructor` and `prototype` wherever a name or key is taken.
// The attacker must not obtain: a property on any object that did not get it, nor authority that follows from one.
import { afterEach, expect, it } from 'vitest'
import { applyPatch, diff } from '../../src/core/patch.ts'
import { codeOf, setUp, signedIn, tokenOf } from '../core/support.ts'
import { browser, COOKIE, site } from './support.ts'

const clean = Object.getOwnPropertyNames(Object.prototype).toSorted()
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(clean)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

const bodies = [
  '{"__proto__":{"polluted":true}}',
  '{"a":{"__proto__":{"polluted":true}}}',
  '{"list":[{"__proto__":{"polluted":true}}]}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":{"constructor":{"prototype":{"polluted":true}}}}',
]

it.each(bodies)('posted as data: %s', async (body) => {
  const shop = site()
  const visitor = browser(shop)

  expect([undefined, 'ERR_DATA_INVALID']).toContain(await codeOf(visitor.visit('/data', { method: 'POST', body })))
})

it.each(bodies)('as a patch on what is stored: %s', async (body) => {
  const { sessions } = setUp()
  const token = await tokenOf(await sessions.start({ data: { a: {}, list: [] } }))
  const session = await sessions.read(token)
  await codeOf(session.update((data) => Object.assign(data, { nested: JSON.parse(body) })))

  expect((await sessions.read(token)).state).toBe('active')
})

it('a key that `__proto__` names is refused where data is taken', async () => {
  const { sessions } = setUp()
  const session = sessions.anonymous()
  session.data.form = JSON.parse(bodies[0]!)

  expect(await codeOf(async () => session.commit())).toBe('ERR_DATA_INVALID')
})

it('a visitor’s own key `__proto__`, set as data[key] = value, is refused too, and gives nothing at once', async () => {
  const { sessions } = setUp()
  const session = await sessions.read(await signedIn(sessions))
  const [key, value] = ['__proto__', { isAdmin: true }]
  session.data[key] = value

  expect(await codeOf(async () => session.commit())).toBe('ERR_DATA_INVALID')
})

it('a patch with the key `constructor` makes an own property', () => {
  const patch = diff({}, { constructor: { prototype: { polluted: true } } })!

  expect(Object.hasOwn(applyPatch({}, patch) as object, 'constructor')).toBe(true)
})

it.each(['__proto__', 'constructor', 'prototype', 'toString'])('a cookie named %s is nobody’s session', async (name) => {
  const shop = site()
  const response = await shop.answer('/me', { headers: { cookie: `${name}=x; __proto__=${COOKIE}` } })

  expect(await response.json()).toMatchObject({ subject: null })
})

it.each(['__proto__', 'constructor', 'hasOwnProperty'])(
  'a subject named %s has sessions of its own and no others',
  async (subject) => {
    const { sessions } = setUp()
    await signedIn(sessions, { subject: 'ada' })
    await signedIn(sessions, { subject })

    expect([
      (await sessions.list(subject)).length,
      await sessions.revokeSubject(subject),
      (await sessions.list('ada')).length,
    ]).toEqual([1, 1, 1])
  },
)
