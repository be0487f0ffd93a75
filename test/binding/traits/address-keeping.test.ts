// Addresses are kept only where the application asks for it, and no longer than it says.
import { expect, it } from 'vitest'
import { traitChecks, traitsOf } from '../../../src/binding/traits.ts'
import { days, hours, minutes } from '../../../src/core/duration.ts'
import { thrownBy } from '../../core/support.ts'
import { AGENTS } from './agents.ts'
import { guarded } from './harness.ts'

const firefox = { agent: AGENTS.firefoxLinux, address: '198.51.100.7' }
const policy = { idleTimeout: hours(2), absoluteTimeout: days(30) }

/** Uses the session every hour, and gives it as it is then. */
async function useFor(time: number, { clock, visit }: ReturnType<typeof guarded>, token: string, client = firefox) {
  let present = await visit(token, client)
  for (let passed = 0; passed < time; passed += hours(1)) {
    clock.advance(hours(1))
    present = await visit(present.token, client)
  }
  return present
}

it('no address is kept unless somebody asks for it', async () => {
  const { signIn, visit, noteOf } = guarded()
  const token = await signIn(firefox)
  const { session } = await visit(token, { ...firefox, address: '203.0.113.9' })

  expect([traitsOf(session).address, JSON.stringify(await noteOf(token)).includes('113')]).toEqual([undefined, false])
})

it('it is kept from the sign-in on, in one spelling', async () => {
  const { signIn, visit, clock } = guarded({ keepAddress: { for: days(7) } }, { policy })
  const token = await signIn({ ...firefox, address: '::ffff:198.51.100.7' })
  const { session } = await visit(token, firefox)

  expect(traitsOf(session).address).toEqual({ text: '198.51.100.7', takenAt: clock() })
})

it('it goes before its time is over, with an event, and is not taken again in the same network', async () => {
  const service = guarded({ keepAddress: { for: days(7) } }, { policy })
  const token = await service.signIn(firefox)
  const before = await useFor(days(6) - hours(3), service, token)
  expect(traitsOf(before.session).address?.text).toBe('198.51.100.7')

  const after = await useFor(hours(3), service, before.token)
  expect(traitsOf(after.session).address).toBeUndefined()
  expect(JSON.stringify(await service.noteOf(after.token))).not.toContain('198.51')
  const later = await useFor(days(3), service, after.token)
  expect(traitsOf(later.session).address).toBeUndefined()
  expect(await service.seen('traits.address-dropped')).toMatchObject([{ subject: 'ada' }])
})

it('it goes at the very request at which its time is over, however often the client came before', async () => {
  const { signIn, visit, clock } = guarded({ keepAddress: { for: days(1) + hours(3) } }, { policy })
  const token = await signIn(firefox)
  for (let i = 0; i < 5; i++) expect(traitsOf((await visit(token, firefox)).session).address).toBeDefined()
  clock.advance(hours(1))

  expect(traitsOf((await visit(token, firefox)).session).address).toBeUndefined()
})

it('a session that nobody uses is over, and its record purged, before its address has had its time', async () => {
  const service = guarded({ keepAddress: { for: days(7) } }, { policy })
  const startedAt = service.clock()
  const token = await service.signIn(firefox)
  const last = await useFor(days(6) - hours(3), service, token)
  const { id } = last.session
  expect(JSON.stringify(await service.noteOf(last.token))).toContain('198.51')
  service.clock.advance(hours(2) + minutes(1))
  expect((await service.visit(last.token, firefox)).session.state).toBe('expired')

  service.clock.advance(startedAt + days(7) - service.clock())
  await service.sessions.purge()
  expect(await service.store.read(id!)).toBeUndefined()
})

it('another network brings another address, with a time of its own', async () => {
  const service = guarded({ keepAddress: { for: days(7) } }, { policy })
  const token = await service.signIn(firefox)
  const home = await useFor(days(2), service, token)
  const { session } = await service.visit(home.token, { ...firefox, address: '203.0.113.9' })

  expect(traitsOf(session).address).toEqual({ text: '203.0.113.9', takenAt: service.clock() })
})

it('of a clock that was set back nobody knows how old an address is: it goes', async () => {
  const service = guarded({ keepAddress: { for: days(7) } }, { policy })
  const token = await service.signIn(firefox)
  service.clock.advance(-hours(1))
  // Its record is not remembered as compared: a fresh look.
  const { session } = await service.visit(token, { ...firefox, agent: AGENTS.firefoxLinux.replaceAll('132', '133') })

  expect(traitsOf(session).address).toBeUndefined()
})

it('what is no address is not kept', async () => {
  const { signIn, visit } = guarded({ keepAddress: { for: days(7) } }, { policy })
  for (const address of [undefined, 'unknown', '1', `${'9'.repeat(5000)}`]) {
    const { session } = await visit(await signIn({ ...firefox, address }), { ...firefox, address })
    expect(traitsOf(session).address).toBeUndefined()
  }
})

it('a session that may lie idle for longer than an address is kept does not keep one', async () => {
  const service = guarded(
    { keepAddress: { for: days(7) } },
    {
      policy: { ...policy, absoluteTimeout: days(60) },
      policyFor: ({ isPersistent }) => (isPersistent ? { idleTimeout: days(2) } : undefined),
    },
  )
  const { session } = await service.visit(await service.signIn(firefox), { ...firefox, address: '203.0.113.9' })
  expect(traitsOf(session).address?.text).toBe('203.0.113.9')

  const longer = guarded(
    { keepAddress: { for: days(7) } },
    { policy: { ...policy, justification: 'a test' }, policyFor: () => ({ idleTimeout: days(20) }) },
  )
  const token = await longer.signIn(firefox)
  expect(JSON.stringify(await longer.noteOf(token))).not.toContain('198.51')
  const kept = await longer.visit(token, { ...firefox, address: '203.0.113.9' })
  expect(traitsOf(kept.session).address).toBeUndefined()
})

it('a retention that could not be kept is refused at start-up', () => {
  for (const span of [hours(1), days(1), days(1) + hours(2)])
    expect(thrownBy(() => guarded({ keepAddress: { for: span } }, { policy }))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  for (const given of [null, true, {}, { for: 7 }, { for: '7d' }, { for: days(400) }, { for: Number.NaN }])
    expect(thrownBy(() => traitChecks({ keepAddress: given as never }))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
})

it('the report says that it is kept, and for how long', () => {
  const { keeps } = traitChecks({ keepAddress: { for: days(7) } }).report()

  expect(keeps.find(({ what }) => what === 'address')).toEqual({
    what: 'address',
    form: 'as it is',
    until: `${days(7)} ms after it was taken, or the session's end`,
  })
})
