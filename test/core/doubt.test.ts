// A doubted session keeps its subject and loses its authority, until something is proved anew.
import { expect, it } from 'vitest'
import { undoubted } from '../../src/core/assurance.ts'
import { minutes, seconds } from '../../src/core/duration.ts'
import type { Session } from '../../src/core/session.ts'
import { workOf } from '../../src/core/session.ts'
import { setUp, signedIn, tokenOf } from './support.ts'

type Service = ReturnType<typeof setUp>

async function doubt(session: Session<unknown>, { clock }: Service): Promise<void> {
  await workOf(session).amend((record) => ({ details: { ...record.details, doubtedAt: clock() } }))
}

async function doubted(service: Service): Promise<string> {
  const token = await signedIn(service.sessions)
  service.clock.advance(minutes(1))
  const session = await service.sessions.read(token)
  await session.elevate({ method: 'otp' })
  const elevated = await tokenOf(session)
  service.clock.advance(minutes(1))
  await doubt(await service.sessions.read(elevated), service)
  return elevated
}

it('nothing proved before counts any more, and the subject stays', async () => {
  const service = setUp()
  const session = await service.sessions.read(await doubted(service))

  expect([session.subject, session.acr, session.meets(), session.authTime, session.facts]).toEqual([
    'ada',
    'aal0',
    false,
    undefined,
    [],
  ])
  expect(session.doubtedAt).toBe(service.clock())
})

it('the list of sessions shows it without authority too', async () => {
  const service = setUp()
  await doubted(service)

  expect(await service.sessions.list('ada')).toMatchObject([{ acr: 'aal0' }])
})

it('a new proof counts for what it is worth, and does not bring back the old ones', async () => {
  const service = setUp()
  const session = await service.sessions.read(await doubted(service))
  await session.elevate({ method: 'pwd' })
  const after = await service.sessions.read(await tokenOf(session))

  expect([after.acr, after.facts.map(({ method }) => method), after.doubtedAt]).toEqual(['aal1', ['pwd'], undefined])
})

it('the token of before the new proof has no authority within its grace', async () => {
  const service = setUp()
  const token = await doubted(service)
  await (await service.sessions.read(token)).elevate({ method: 'pwd' })
  service.clock.advance(seconds(5))
  const late = await service.sessions.read(token)

  expect([late.state, late.subject, late.meets()]).toEqual(['active', 'ada', false])
})

it('a proof on a clock that was set back counts', async () => {
  const service = setUp()
  const token = await doubted(service)
  service.clock.advance(-seconds(20))
  const session = await service.sessions.read(token)
  await session.elevate({ method: 'pwd' })

  expect((await service.sessions.read(await tokenOf(session))).meets()).toBe(true)
})

it('a mere rotation ends no doubt and forgets nothing', async () => {
  const service = setUp()
  const session = await service.sessions.read(await doubted(service))
  await session.rotate()
  const after = await service.sessions.read(await tokenOf(session))

  expect([after.meets(), workOf(after).active!.record.details.facts.length]).toEqual([false, 2])
})

it('signing in again leaves the doubt behind', async () => {
  const service = setUp()
  const session = await service.sessions.read(await doubted(service))
  await session.signIn({ subject: 'ada', method: 'pwd' })

  expect([session.meets(), session.doubtedAt]).toEqual([true, undefined])
})

it('only facts of after the doubt count', () => {
  const fact = (at: number) => ({ method: 'pwd', at, strength: 1 }) as const

  expect([undoubted([fact(9), fact(10), fact(11)], 10), undoubted([fact(9)], undefined)]).toEqual([[fact(11)], [fact(9)]])
})
