// The attacker has: a victim's access token, which is bound to the victim's key; a key of their own; tokens and proofs of their own.
// The attacker does: proves their own key for the victim's token, names the victim's key over their own signature, and mixes parts of good proofs.
// The attacker must not obtain: one request in which the victim's token counts.
import { expect, it } from 'vitest'
import { App } from '../tokens/dpop/app.ts'
import { judge } from '../tokens/dpop/support.ts'

const NOW = 1_800_000_000_000
const victim = new App()
const attacker = new App()
const stolen = { accessToken: 'victim.access.token', jkt: victim.jkt, now: NOW }
const reasonOf = async (proof: string, request: Partial<typeof stolen> = {}) => {
  const outcome = await judge({ ...stolen, ...request, proof })
  return outcome.ok ? 'good' : outcome.reason
}
const [header, payload, signature] = [0, 1, 2].map((part) => (proof: string) => proof.split('.')[part]!)

it('the victim’s own proof is good, so that what follows means something', async () => {
  expect(await reasonOf(victim.proof(stolen))).toBe('good')
})

it('a good proof of another key is a proof of another key', async () => {
  expect(await reasonOf(attacker.proof(stolen))).toBe('other-key')
})

it('the victim’s key over the attacker’s signature is no proof', async () => {
  expect(await reasonOf(victim.proof(stolen, { signedBy: attacker }))).toBe('signature')
})

it.each([
  ['jku', { jku: 'https://attacker.example/keys' }],
  ['x5u', { x5u: 'https://attacker.example/chain' }],
  ['x5c', { x5c: ['AAAA'] }],
  ['kid', { kid: '../../dev/null' }],
])('the victim’s key, with the attacker’s by %s, is verified with the victim’s', async (_name, named) => {
  expect(await reasonOf(victim.proof(stolen, { header: named, signedBy: attacker }))).toBe('signature')
  expect(await reasonOf(attacker.proof(stolen, { header: { ...named, jwk: undefined } }))).toBe('key')
})

it('two keys in one header are one: the last, whoever reads it', async () => {
  const twice = (first: App, second: App) => {
    const text = `{"typ":"dpop+jwt","alg":"ES256","jwk":${JSON.stringify(first.jwk)},"jwk":${JSON.stringify(second.jwk)}}`
    const signed = `${Buffer.from(text).toString('base64url')}.${payload!(attacker.proof(stolen))}`
    return `${signed}.${attacker.signature(signed)}`
  }

  expect([await reasonOf(twice(attacker, victim)), await reasonOf(twice(victim, attacker))]).toEqual(['signature', 'other-key'])
})

it('parts of good proofs make none', async () => {
  const [own, theirs] = [attacker.proof(stolen), victim.proof({ ...stolen, accessToken: 'another.of.theirs' })]
  const parts = [own, theirs]
  const mixes = parts.flatMap((a) => parts.flatMap((b) => parts.map((c) => `${header!(a)}.${payload!(b)}.${signature!(c)}`)))

  expect(mixes).toHaveLength(8)
  for (const proof of mixes) expect(await reasonOf(proof)).not.toBe('good')
})

it('a proof that the victim made for another token, or for none, is not for this one', async () => {
  expect(await reasonOf(victim.proof({ ...stolen, accessToken: 'another.of.theirs' }))).toBe('other-token')
  expect(await reasonOf(victim.proof({ now: NOW }))).toBe('other-token')
})

it('the attacker’s token is not helped by the victim’s proof either', async () => {
  expect(await reasonOf(victim.proof(stolen), { accessToken: 'attacker.access.token', jkt: attacker.jkt })).toBe('other-token')
})

it('a private key sent along is refused, though it fits: somebody else has it now', async () => {
  const jwk = { ...attacker.jwk, ...attacker.privateJwk }

  expect(await reasonOf(attacker.proof(stolen, { header: { jwk } }), { jkt: attacker.jkt })).toBe('key')
})
