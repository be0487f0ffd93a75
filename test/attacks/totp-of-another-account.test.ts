// The attacker has: the victim's password, an account with an app and recovery codes of their own, and write access to the application's database and ledger.
// The attacker does: proves with their own codes in the victim's session; copies their factor, their set, their unconfirmed enrolment to the victim.
// The attacker must not obtain: a second factor in the victim's session, nor an app of theirs among the victim's.
import { expect, it } from 'vitest'
import type { StoredFactor } from '../../src/stepup/factor-store.ts'
import { appOf, codes } from '../stepup/codes-support.ts'

async function both() {
  const site = codes()
  const victim = await site.enrolled('victim')
  const mallory = await site.enrolled('mallory')
  const list = await site.recovery.generate(mallory.session)
  const stolen = await site.signIn('victim')
  const [app, set] = await site.factors.list('mallory')
  return { ...site, victim, mallory, list, stolen, app: app!, set: set! }
}

const moved = ({ version: _, ...factor }: StoredFactor, changes: Partial<StoredFactor>) => ({ ...factor, ...changes })

it('their own codes, in the victim’s session', async () => {
  const { totp, recovery, mallory, list, stolen } = await both()

  expect((await totp.verify(stolen, mallory.code())).ok).toBe(false)
  expect((await recovery.use(stolen, list[0])).ok).toBe(false)
  expect(stolen.acr).toBe('aal1')
})

it('their factor under the victim’s name, with its id or another', async () => {
  const { totp, mallory, stolen, factors, app, refusals } = await both()
  await factors.remove('mallory', app.id)
  await factors.add(moved(app, { subject: 'victim' }), { most: 9 })
  await factors.add(moved(app, { subject: 'victim', id: 'AAAAAAAAAAAAAAAAAAAAAA' }), { most: 9 })

  expect((await totp.verify(stolen, mallory.code())).ok).toBe(false)
  expect(await refusals()).toContain('unreadable')
})

it('what is sealed in their factor, in the victim’s', async () => {
  const { totp, mallory, victim, stolen, factors, app } = await both()
  const [own] = await factors.list('victim')
  await factors.update('victim', own!.id, own!.version, { sealed: app.sealed })

  expect((await totp.verify(stolen, mallory.code())).ok).toBe(false)
  expect((await totp.verify(stolen, victim.code())).ok).toBe(false)
})

it('their set of recovery codes under the victim’s name, or as an app', async () => {
  const { recovery, totp, list, stolen, factors, set } = await both()
  await factors.remove('mallory', set.id)
  await factors.add(moved(set, { subject: 'victim' }), { most: 9 })
  await factors.add(moved(set, { subject: 'victim', kind: 'totp', id: 'AAAAAAAAAAAAAAAAAAAAAA' }), { most: 9 })

  expect((await recovery.use(stolen, list[0])).ok).toBe(false)
  expect((await totp.verify(stolen, '123456')).ok).toBe(false)
})

it('their unconfirmed enrolment in the ledger, as that of the victim’s session', async () => {
  const { totp, context, signIn, clock, factors } = codes()
  const mallory = await signIn('mallory')
  const stolen = await signIn('victim')
  const { uri } = await totp.begin(mallory, { account: 'mallory' })
  const now = clock()
  const kept = await context.ledger.get(`stepup:totp:pending:${mallory.id}`, { now })
  await context.ledger.put(`stepup:totp:pending:${stolen.id}`, kept!, { now, deadline: now + 600_000 })
  const outcome = await totp.confirm(stolen, appOf(uri)(now))

  expect([outcome.ok, await factors.list('victim')]).toEqual([false, []])
})

it('their unconfirmed enrolment as a factor of their own, which they never confirmed', async () => {
  const { totp, context, signIn, clock, factors } = codes()
  const mallory = await signIn('mallory')
  const { uri } = await totp.begin(mallory, { account: 'mallory' })
  const kept = await context.ledger.get(`stepup:totp:pending:${mallory.id}`, { now: clock() })
  const id = Buffer.from(kept!.subarray(0, 22)).toString()
  const sealed = kept!.subarray(22)
  const common = { kind: 'totp', handle: undefined, name: 'x', createdAt: 0, lastUsedAt: undefined, sealed } as const
  await factors.add({ ...common, id, subject: 'mallory' }, { most: 9 })

  expect((await totp.verify(mallory, appOf(uri)(clock()))).ok).toBe(false)
})
