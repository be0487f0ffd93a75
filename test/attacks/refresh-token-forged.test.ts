// The attacker has: refresh tokens of their own, of another family, session and person; the public ids of the victim's; the store's content.
// The attacker does: edits every byte, puts the victim's session or family into a token of their own, and sends what the store holds.
// The attacker must not obtain: an access token of the victim's, a look at the store, or the end of the victim's session.
import { describe, expect, it } from 'vitest'
import { refreshSite } from '../tokens/refresh/support.ts'

const bytesOf = (refreshToken: string) => Buffer.from(refreshToken.slice(5), 'base64url')
const tokenOf = (bytes: Buffer) => `sjr1_${bytes.toString('base64url')}`

describe('an edited token', () => {
  it('with any one bit changed is forged, and the store is not asked', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId } = await site.app()
    const calls = site.store.calls.length
    const reasons = new Set<string>()
    const bytes = bytesOf(refreshToken)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      reasons.add(await site.reasonOf(tokenOf(changed)))
    }
    expect([[...reasons], site.store.calls.length - calls]).toEqual([['forged'], 0])
    expect([await site.reasonOf(refreshToken), await site.isAlive(sessionId)]).toEqual(['good', true])
  })

  it('has one spelling: the spare bits of its last character are no second token', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(refreshToken.at(-1)!)
    for (let spare = 1; spare < 4; spare++)
      expect(await site.reasonOf(refreshToken.slice(0, -1) + alphabet[last + spare])).toBe('malformed')
    for (const spelt of [`${refreshToken}=`, ` ${refreshToken}`, `${refreshToken}\n`, refreshToken.toUpperCase()])
      expect(await site.reasonOf(spelt)).toMatch(/malformed|forged/)
  })
})

describe('parts of two tokens', () => {
  it('the victim’s session or family in a token of one’s own is forged', async () => {
    const site = refreshSite()
    const victim = await site.app()
    const own = await site.app({}, 'mallory')
    const [theirs, mine] = [bytesOf(victim.refreshToken), bytesOf(own.refreshToken)]
    const mixed = [
      [theirs.subarray(0, 16), mine.subarray(16)],
      [theirs.subarray(0, 20), mine.subarray(20)],
      [mine.subarray(0, 16), theirs.subarray(16, 20), mine.subarray(20)],
      [theirs.subarray(0, 52), mine.subarray(52)],
    ]
    for (const parts of mixed) expect(await site.reasonOf(tokenOf(Buffer.concat(parts)))).toBe('forged')
    expect(await site.isAlive(victim.sessionId)).toBe(true)
  })

  it('another family of one’s own session is forged too: the grant within a token is protected (RFC 9700, 4.14.2)', async () => {
    const site = refreshSite()
    const { refreshToken, session } = await site.app({ scope: ['read'] })
    const wider = await site.grant(session, { scope: ['read', 'write'] })
    const mixed = Buffer.concat([bytesOf(wider.refreshToken).subarray(0, 20), bytesOf(refreshToken).subarray(20)])

    expect(await site.reasonOf(tokenOf(mixed))).toBe('forged')
  })
})

it('what the store holds of a family is no token, and makes none', async () => {
  const site = refreshSite()
  const { refreshToken, sessionId } = await site.app()
  await site.next(refreshToken)
  const notes = JSON.stringify(await site.notesOf(sessionId))
  const kept = [...notes.matchAll(/"([A-Za-z0-9_-]{22,})"/g)].map(([, text]) => Buffer.from(text!, 'base64url'))
  const head = bytesOf(refreshToken).subarray(0, 20)

  expect(kept.length).toBeGreaterThan(2)
  for (const bytes of kept) {
    const secret = Buffer.concat([bytes, bytes]).subarray(0, 32)
    expect(await site.reasonOf(tokenOf(Buffer.concat([head, secret, bytesOf(refreshToken).subarray(52)])))).toBe('forged')
  }
})
