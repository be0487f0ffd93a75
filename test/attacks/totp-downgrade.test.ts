// The attacker has: the victim's password, and so a session that has proved it, perhaps since before the victim had a second factor.
// The attacker does: adds an app of their own, makes recovery codes, ends an enrolment that they began in time; or has a recovery code, and no password.
// The attacker must not obtain: two factors in the victim's account, other than by proving both of the victim's.
import { createStepUp } from 'sojourn/stepup'
import { expect, it } from 'vitest'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { codeOf, setUp, tokenOf } from '../core/support.ts'
import { appOf, codes } from '../stepup/codes-support.ts'

it('an app of their own beside the victim’s: not with the password alone', async () => {
  const { totp, recovery, enrolled, signIn, factors } = codes()
  await enrolled('victim')
  const stolen = await signIn('victim')

  expect(await codeOf(totp.begin(stolen, { account: 'x' }))).toBe('ERR_ASSURANCE_INSUFFICIENT')
  expect(await codeOf(recovery.generate(stolen))).toBe('ERR_ASSURANCE_INSUFFICIENT')
  expect(await factors.list('victim')).toHaveLength(1)
})

it('an enrolment begun before the victim had a factor cannot be ended after', async () => {
  const { totp, enrolled, signIn, clock, factors } = codes()
  const stolen = await signIn('victim')
  const app = appOf((await totp.begin(stolen, { account: 'x' })).uri)
  await enrolled('victim')

  expect(await codeOf(totp.confirm(stolen, app(clock())))).toBe('ERR_ASSURANCE_INSUFFICIENT')
  expect(await factors.list('victim')).toHaveLength(1)
})

it('a session that waits for its second factor can add none', async () => {
  const { sessions, clock } = setUp()
  const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Library' })
  const context = { mayBePending: true }
  const owner = sessions.anonymous(context)
  await stepUp.signIn(owner, { subject: 'victim', method: 'pwd' })
  const app = appOf((await stepUp.totp.begin(owner, { account: 'victim' })).uri)
  await stepUp.totp.confirm(owner, app(clock()))
  const stolen = sessions.anonymous(context)
  const { pending } = await stepUp.signIn(stolen, { subject: 'victim', method: 'pwd' })
  const work = [
    stepUp.totp.begin(stolen, { account: 'x' }),
    stepUp.totp.confirm(stolen, '123456'),
    stepUp.recovery.generate(stolen),
    stepUp.factors(stolen),
  ]

  expect([pending, ...(await Promise.all(work.map(codeOf)))]).toEqual(['aal2', ...Array(4).fill('ERR_ASSURANCE_INSUFFICIENT')])
})

it('the old token of before the second factor has only what it had', async () => {
  const { totp, enrolled, signIn, sessions, clock } = codes()
  const { code } = await enrolled('victim')
  const token = await tokenOf(await sessions.signIn({ subject: 'victim', method: 'pwd' }))
  const session = await sessions.read(token)
  clock.advance(60_000)
  await totp.verify(session, code())
  await session.commit()
  const old = await sessions.read(token)

  expect([session.acr, old.acr, (await signIn('victim')).acr]).toEqual(['aal2', 'aal1', 'aal1'])
  expect(await codeOf(totp.begin(old, { account: 'x' }))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})

it('a recovery code alone signs nobody in, and two of them are still one factor', async () => {
  const { recovery, totp, enrolled, sessions, signIn } = codes()
  const { session } = await enrolled('victim')
  const list = await recovery.generate(session)
  const visitor = sessions.anonymous()
  const held = await signIn('victim', 'otp')
  await recovery.use(held, list[1])
  await recovery.use(held, list[2])

  expect([await codeOf(recovery.use(visitor, list[0])), visitor.subject, held.acr]).toEqual([
    'ERR_SESSION_ENDED',
    undefined,
    'aal1',
  ])
  expect(await codeOf(totp.begin(held, { account: 'x' }))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})
