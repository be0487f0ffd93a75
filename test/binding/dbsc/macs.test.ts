import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BindingMacs } from '../../../src/binding/dbsc/macs.ts'
import { pooledRandom } from '../../../src/core/crypto.ts'
import { createKeyring } from '../../../src/core/keyring.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY } from '../../core/support.ts'

const random = pooledRandom()
const macsOf = (...keys: string[]) => new BindingMacs(createKeyring(keys), random)
const macs = macsOf(KEY)
const [ada, bob] = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBA']
const [key, otherKey] = ['kkkkkkkkkkkkkkkkkkkkkk', 'oooooooooooooooooooooo']
const at = 1_893_456_000_000

describe('a challenge', () => {
  it.each(['register', 'refresh'] as const)('for %s says what it was made for', (kind) => {
    const challenge = { kind, sessionId: bob, issuedAt: at }

    expect(macs.readChallenge(macs.challenge(challenge))).toEqual(challenge)
  })

  it('is another one each time', () => {
    const all = Array.from({ length: 1000 }, () => macs.challenge({ kind: 'refresh', sessionId: ada, issuedAt: at }))

    expect(new Set(all).size).toBe(1000)
  })

  it('of an older key of the ring counts, and of a key that is not in it does not', () => {
    const older = macsOf(OLDER_KEY).challenge({ kind: 'refresh', sessionId: ada, issuedAt: at })

    expect([macsOf(KEY, OLDER_KEY).readChallenge(older)?.issuedAt, macsOf(FOREIGN_KEY).readChallenge(older)]).toEqual([
      at,
      undefined,
    ])
  })

  it('is no bound cookie, and a bound cookie is no challenge', () => {
    expect(macs.boundUntil(ada, key, macs.challenge({ kind: 'refresh', sessionId: ada, issuedAt: at }))).toBeUndefined()
    expect(macs.readChallenge(macs.boundProof(ada, key, at))).toBeUndefined()
  })
})

describe('a bound cookie', () => {
  const proof = macs.boundProof(ada, key, at)

  it('proves one key of one session, until its instant', () => {
    const read = [macs.boundUntil(ada, key, proof), macs.boundUntil(bob, key, proof), macs.boundUntil(ada, otherKey, proof)]

    expect(read).toEqual([at, undefined, undefined])
  })

  it('of another installation proves nothing', () => {
    expect(macsOf(FOREIGN_KEY).boundUntil(ada, key, proof)).toBeUndefined()
  })

  it('with any letter changed proves nothing', () => {
    const changed = [...proof].map((letter, i) => `${proof.slice(0, i)}${letter === 'Q' ? 'g' : 'Q'}${proof.slice(i + 1)}`)

    expect(changed.map((text) => macs.boundUntil(ada, key, text)).filter((until) => until !== undefined)).toEqual([])
  })
})

it('any text at all is read without an error, and is neither', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      expect([macs.readChallenge(text), macs.boundUntil(ada, key, text)]).toEqual([undefined, undefined])
    }),
  )
})
