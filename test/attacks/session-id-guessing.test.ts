// The attacker has: the form of a token, public session ids from lists and logs, and any number of guesses.
// The attacker does: guesses tokens at random, around a known one, and from public ids.
// The attacker must not obtain: a hit, a look-up in the store, or a hint of what exists.
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { setUp, signedIn } from '../core/support.ts'

it('20,000 guesses of the right form are all forged, and none reaches the store', async () => {
  const { sessions, store } = setUp()
  await signedIn(sessions)
  const before = store.calls.length
  const guesses = Array.from({ length: 20_000 }, () => `sjn1_${randomBytes(64).toString('base64url')}`)

  const states = await Promise.all(guesses.map(async (guess) => (await sessions.read(guess)).state))
  expect([new Set(states), store.calls.length - before]).toEqual([new Set(['forged']), 0])
})

it('a public id with a guessed secret is refused like one that does not exist', async () => {
  const { sessions } = setUp()
  const { id } = await sessions.read(await signedIn(sessions))
  const guess = (idBytes: Buffer) => `sjn1_${Buffer.concat([idBytes, randomBytes(48)]).toString('base64url')}`
  const known = await sessions.read(guess(Buffer.from(id!, 'base64url')))
  const unknown = await sessions.read(guess(randomBytes(16)))

  expect([known.state, known.state]).toEqual([unknown.state, 'forged'])
})

it('a public id is no token, and neither is it with our prefix', async () => {
  const { sessions } = setUp()
  const { id } = await sessions.read(await signedIn(sessions))

  expect([(await sessions.read(id)).state, (await sessions.read(`sjn1_${id}`)).state]).toEqual(['malformed', 'malformed'])
})

it('each guess is an event, so that somebody can count them', async () => {
  const { sessions, seen } = setUp()
  for (let i = 0; i < 5; i++) await sessions.read(`sjn1_${randomBytes(64).toString('base64url')}`)

  expect((await seen('token.refused')).length).toBe(5)
})

it('10,000 tokens have no id and no secret twice, and no byte position stands still', async () => {
  const { sessions } = setUp()
  const tokens = await Promise.all(Array.from({ length: 10_000 }, (_, i) => signedIn(sessions, { subject: `user ${i}` })))
  const bytes = tokens.map((token) => Buffer.from(token.slice(5), 'base64url'))
  const values = Array.from({ length: 64 }, (_, at) => new Set(bytes.map((one) => one[at])).size)

  expect([
    new Set(bytes.map((one) => one.subarray(0, 16).toString('hex'))).size,
    new Set(bytes.map((one) => one.subarray(16, 48).toString('hex'))).size,
    Math.min(...values),
  ]).toEqual([10_000, 10_000, 256])
})
