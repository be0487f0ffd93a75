// The attacker has: everything a server, a proxy and a browser log of requests, and the ledger.
// The attacker does: looks for what the session holds, and for two cookies that are alike.
// The attacker must not obtain: subject, data, facts or device; only the session's public id and its length.
import { expect, it } from 'vitest'
import { cookieStore } from '../../src/stores/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { setUp, tokenOf } from '../core/support.ts'
import { noise } from '../stores/cookie/support.ts'

/** A memory store that shows what reaches its ledger. */
function watched() {
  const store = memoryStore()
  const seen: string[] = []
  const watch = <T extends unknown[], R>(work: (...given: T) => R) => {
    return (...given: T): R => {
      seen.push(
        given.map((each) => (each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : JSON.stringify(each))).join(' '),
      )
      return work(...given)
    }
  }
  const { ledger } = store
  const own = {
    claim: watch(ledger.claim.bind(ledger)),
    put: watch(ledger.put.bind(ledger)),
    take: watch(ledger.take.bind(ledger)),
    get: watch(ledger.get.bind(ledger)),
    count: watch(ledger.count.bind(ledger)),
  }
  return { store: Object.assign(Object.create(store) as typeof store, { ledger: own }), seen }
}

const spellings = (canary: string) =>
  [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), Buffer.from(canary)])
      .toString('base64url')
      .slice(shift === 0 ? 0 : 2 * shift, -2),
  )

it.each([10, 3000, 9000])(
  'nothing a session holds is visible in its cookie, in events or in the ledger (%i characters of data)',
  async (length) => {
    const { store, seen: written } = watched()
    const { sessions, seen } = setUp({ store: faultyStore(cookieStore({ ledger: store, maxLength: 15_000 })) })
    const session = sessions.anonymous({ device: 'CANARYdevice' })
    await session.signIn({ subject: 'CANARYsubject', method: 'CANARYmethod', strength: 2 })
    session.data.CANARYkey = `CANARYvalue${noise(length)}`
    const token = await tokenOf(session)
    const again = await sessions.read(token)
    await again.revokeOthers()
    await again.signOut()
    const logged = [token, Buffer.from(token.slice(5), 'base64url').toString('latin1'), JSON.stringify(written)].join('\n')
    // Events say whose session it was, and how they signed in: that is what they are for.
    const events = JSON.stringify(
      (await seen()).map((event) => ({ ...event, subject: undefined, actor: undefined, methods: undefined })),
    )

    expect(['CANARY', ...spellings('CANARY')].filter((text) => logged.includes(text) || events.includes(text))).toEqual([])
    expect([events, JSON.stringify(written)].some((text) => text.includes(token.slice(40)))).toBe(false)
  },
)

it('two cookies of one session, sealed at the same instant with the same content, have nothing alike but its id', async () => {
  const { sessions } = setUp({ store: faultyStore(cookieStore()) })
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const first = await tokenOf(session)
  const sealings = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const each = await sessions.read(first)
      await each.touch()
      return tokenOf(each)
    }),
  )
  const pieces = sealings.flatMap(
    (token) => Buffer.from(token.slice(5), 'base64url').subarray(20).toString('hex').match(/.{16}/g)!,
  )

  expect(new Set(pieces).size).toBe(pieces.length)
})
