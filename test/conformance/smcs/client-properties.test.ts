// OWASP Session Management Cheat Sheet, Cookie Theft Mitigation Cheat Sheet, and the rows of other standards about who presents a token:
// what a client shows of itself is remembered, compared by its meaning, and acted upon by a policy.
import { expect, it } from 'vitest'
import { presets, traitChecks } from '../../../src/binding/traits.ts'
import { days, minutes } from '../../../src/core/duration.ts'
import {
  ABROAD,
  AT_HOME,
  ask,
  at,
  guardedSite,
  NEARBY,
  signIn,
  thiefsBrowser,
  victimsBrowser,
} from '../../attacks/stolen-cookie-support.ts'
import { AGENTS } from '../../binding/traits/agents.ts'
import { guarded } from '../../binding/traits/harness.ts'

const firefox = { agent: AGENTS.firefoxLinux, address: AT_HOME }

it('SMCS-45: a user agent or a place that changes during a session is a signal', async () => {
  const shop = guardedSite()
  await ask(shop, await signIn(shop), thiefsBrowser)
  await ask(shop, await signIn(shop), at(ABROAD))

  expect(await shop.seen('traits.drifted')).toMatchObject([
    { changes: ['browser', 'os', 'hints-missing'], subject: 'victim' },
    { changes: ['network', 'country'], subject: 'victim' },
  ])
})

it('SMCS-46: what happens then is a policy: reported, asked for another proof, or ended', async () => {
  const outcomes = await Promise.all(
    (['note', 'step-up', 'revoke'] as const).map(async (network) => {
      const shop = guardedSite({ policy: { network } })
      const { subject, acr } = await ask(shop, await signIn(shop), at(NEARBY))
      return [subject, acr, (await shop.seen('traits.drifted')).length]
    }),
  )

  expect(outcomes).toEqual([
    ['victim', 'aal1', 1],
    ['victim', 'aal0', 1],
    [null, 'aal0', 1],
  ])
})

it('SMCS-46: another host of the same network changes nothing, in any preset', async () => {
  for (const policy of Object.values(presets)) {
    const shop = guardedSite({ policy })
    expect((await ask(shop, await signIn(shop), at('198.51.100.250'))).acr).toBe('aal1')
    expect(await shop.seen('traits.drifted')).toEqual([])
  }
})

it('CT-01: the client is kept at the start, compared by what it means, and doubted where that changed', async () => {
  const { signIn: start, visit, noteOf } = guarded({ policy: { network: 'step-up' } })
  const token = await start(firefox)
  expect(await noteOf(token)).toMatchObject({ b: expect.any(String), o: expect.any(String), n: [expect.any(String)] })

  const samePerson = { agent: `${AGENTS.firefoxLinux} `, address: '198.51.100.250' }
  expect((await visit(token, samePerson)).session.meets()).toBe(true)
  const { session } = await visit(token, { ...firefox, address: NEARBY })
  expect([session.subject, session.meets(), session.doubtedAt === undefined]).toEqual(['ada', false, false])
})

it('CT-01: a new proof is what lifts the doubt', async () => {
  const { signIn: start, visit, clock } = guarded({ policy: { network: 'step-up' } })
  const elsewhere = { ...firefox, address: NEARBY }
  const token = await start(firefox)
  await visit(token, elsewhere)
  clock.advance(minutes(1))
  const proved = await visit(token, elsewhere, (session) => session.elevate({ method: 'pwd' }))

  expect((await visit(proved.token, elsewhere)).session.meets()).toBe(true)
})

it('ASVS-8.2.4: context is looked at when a session starts and at each request, and the outcome can refuse, ask again or end', async () => {
  const shop = guardedSite()
  const token = await signIn(shop)
  expect((await ask(shop, token, victimsBrowser)).acr).toBe('aal1')
  expect((await ask(shop, token, at(ABROAD))).acr).toBe('aal0')
  expect((await ask(shop, token, thiefsBrowser)).subject).toBeNull()
})

it('WSTG-SESS-11.2: another address, or another country, is told apart and handed on', async () => {
  const shop = guardedSite()
  const token = await signIn(shop)
  await ask(shop, token, at(NEARBY))
  await ask(shop, token, at(ABROAD))

  expect((await shop.seen('traits.drifted')).map((event) => 'changes' in event && event.changes)).toEqual([
    ['network'],
    ['network', 'country'],
  ])
})

it('NIST-SESSM-0: a session whose device or place changed is asked to authenticate again, or ended, and said so', async () => {
  const { signIn: start, visit, seen } = guarded()
  const token = await start(firefox)
  await visit(token, { ...firefox, agent: AGENTS.chromeWindows })

  expect(await seen('traits.drifted')).toMatchObject([{ grade: 'revoke', reason: expect.stringContaining('operating system') }])
})

it('NIST-SESSM-1: what is kept for it can be listed, with its form and its time', () => {
  const { keeps } = traitChecks({ keepAddress: { for: days(7) } }).report()

  expect(keeps.map(({ what }) => what)).toContain('address')
  expect(keeps.every(({ form, until }) => form !== undefined && until !== '')).toBe(true)
})

it('ASVS-14.2.7: an address that was kept is gone when its time is over', async () => {
  const {
    signIn: start,
    visit,
    clock,
    noteOf,
  } = guarded({ keepAddress: { for: days(3) } }, { policy: { idleTimeout: days(1), absoluteTimeout: days(30) } })
  const token = await start(firefox)
  expect(JSON.stringify(await noteOf(token))).toContain(AT_HOME)
  clock.advance(days(1) - minutes(1))
  const before = await visit(token, firefox)
  clock.advance(minutes(2))
  const after = await visit(before.token, firefox)

  expect(JSON.stringify(await noteOf(after.token))).not.toContain(AT_HOME)
})
