// Rotation because of a new network, for people whose network changes again at once: IPv4 and IPv6 of one line, a VPN, a hotel. What is late must not
// sign them out (docs/decisions/0002-rotation.md, rule 4), and what they owe is made up for.
import { expect, it } from 'vitest'
import { presets } from '../../../src/binding/traits.ts'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { AGENTS, HINTS } from './agents.ts'
import { type Client, guarded } from './harness.ts'

const ADDRESSES = ['198.51.100.7', '203.0.113.9', '192.0.2.1', '2001:db8::1', '2001:db9::1', '198.18.0.1'] as const
const at = (address: string): Client => ({ agent: AGENTS.chromeWindows, hints: HINTS.chromeWindows, address })
const [home, second, third] = [at(ADDRESSES[0]), at(ADDRESSES[3]), at(ADDRESSES[1])]

/** Signed in at home, and rotated by the second network a moment ago. */
async function rotatedOnce(site = guarded()) {
  const first = await site.signIn(home)
  const { token } = await site.visit(first, second)
  // Sent beside it: the answer carries the same token.
  const beside = await site.visit(first, second)
  await site.visit(token, second)
  const rotations = async () => (await site.seen('session.rotated')).length
  return { ...site, token, beside, rotations }
}

it('an answer that is late behind two new networks does not sign the owner out', async () => {
  const { token, beside: late, visit, clock } = await rotatedOnce()
  clock.advance(seconds(5))
  const next = await visit(token, third)
  await visit(next.token, third)
  clock.advance(seconds(5))
  expect(late.token).toBe(token)
  clock.advance(seconds(35))

  expect((await visit(late.token, third)).session.state).toBe('active')
})

it('the second change is told at once, and its rotation is made up for by the next request after two graces', async () => {
  const { token, visit, clock, rotations, drifts } = await rotatedOnce()
  clock.advance(seconds(5))
  const early = await visit(token, third)
  expect([early.kind, await rotations(), (await drifts()).length]).toEqual(['none', 1, 2])

  clock.advance(minutes(1) - seconds(5) - 1)
  expect((await visit(token, third)).kind).toBe('none')
  clock.advance(1)
  const due = await visit(token, third)

  expect([due.kind, await rotations(), (await drifts()).length]).toEqual(['set', 2, 2])
})

it('it is made once, whichever network the next request comes from', async () => {
  const { token, visit, clock, rotations } = await rotatedOnce()
  clock.advance(1)
  await visit(token, third)
  clock.advance(minutes(1))
  const due = await visit(token, home)
  for (let i = 0; i < 3; i++) {
    clock.advance(minutes(2))
    await visit(due.token, [home, third][i % 2]!)
  }

  expect([due.kind, await rotations()]).toEqual(['set', 2])
})

it('a milder change meanwhile does not let a thief off', async () => {
  const { token, visit, clock, rotations } = await rotatedOnce(guarded({ policy: { ...presets.standard, together: [] } }))
  clock.advance(1)
  await visit(token, third)
  await visit(token, { ...third, hints: undefined })
  clock.advance(minutes(1))
  await visit(token, { ...third, hints: undefined })

  expect(await rotations()).toBe(2)
})

it('in shadow mode nothing is made up for', async () => {
  const { token, visit, clock, rotations } = await rotatedOnce(guarded({ shadow: true }))
  clock.advance(1)
  await visit(token, third)
  clock.advance(minutes(2))
  await visit(token, third)

  expect(await rotations()).toBe(0)
})

/** The same each time (a linear congruential generator). */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 0) / 2 ** 32
  }
}

it.each(Array.from({ length: 24 }, (_, seed) => seed))(
  'whoever changes networks with each request, with answers late and lost, stays signed in (%i)',
  async (seed) => {
    const { signIn, visit, clock } = guarded()
    const random = chance(seed + 1)
    const anywhere = () => at(ADDRESSES[Math.floor(random() * ADDRESSES.length)]!)
    let jar = await signIn(anywhere())
    let underWay: { readonly token: string; readonly until: number }[] = []
    for (let step = 0; step < 120; step++) {
      clock.advance(Math.floor(random() * seconds(5)))
      for (const { token, until } of underWay) if (until <= clock()) jar = token
      underWay = underWay.filter(({ until }) => until > clock())
      const sent = jar
      const burst = 1 + Math.floor(random() * 5)
      for (const answer of await Promise.all(Array.from({ length: burst }, () => visit(sent, anywhere())))) {
        expect(answer.session.state, `step ${step}`).toBe('active')
        if (answer.kind !== 'set') continue
        const luck = random()
        if (luck < 0.3) underWay.push({ token: answer.token, until: clock() + Math.floor(random() * seconds(20)) })
        else if (luck < 0.8) jar = answer.token
      }
    }
  },
)
