// OWASP ASVS 5.0.0, V7.5.2 and V7.4.3 on the person's own page of `sojourn/console`.
import { expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { AGENTS, accountSite, devicesIn, END, fieldsOf, HOME, NOT_ME, person } from '../../console/account-support.ts'

it('ASVS-7.5.2: the account page shows every active session of its person, and after a fresh factor ends any and all of them', async () => {
  const site = accountSite({}, { onNotMe: () => {} })
  const [here, phone, desk] = [person(site), person(site, AGENTS.phone), person(site, AGENTS.windows)]
  const ids = [await here.signIn(), await phone.signIn(), await desk.signIn()]
  const shown = devicesIn(await here.text(HOME))
  const fields = fieldsOf(await here.text(`${END}?id=${ids[1]}`))
  site.clock.advance(minutes(16))
  const stale = [
    await here.send(END, { ...fields, id: ids[1]! }),
    await here.send(END, { ...fields, which: 'others' }),
    await here.send(END, { ...fields, which: 'all' }),
    await here.send(NOT_ME, { ...fields, id: ids[1]! }),
  ].map((answer) => answer.headers.get('location')?.split('?')[0])
  const left = (await site.sessions.list('ada')).length

  expect(shown.toSorted()).toEqual(ids.toSorted())
  expect([stale, left]).toEqual([Array(4).fill('/step-up'), 3])
  await here.prove()
  await here.press(`${END}?id=${ids[1]}`)
  expect([(await phone.me()).subject, (await desk.me()).subject]).toEqual([null, 'ada'])
  await here.press(`${END}?which=all`)
  expect([(await desk.me()).subject, (await here.me()).subject]).toEqual([null, null])
})

it('ASVS-7.4.3: after "this wasn’t me" the page offers to end all other sessions, and exactly the one in use stays', async () => {
  const site = accountSite({}, { onNotMe: () => {} })
  const [here, phone, desk] = [person(site), person(site, AGENTS.phone), person(site, AGENTS.windows)]
  const [hereId, phoneId] = [await here.signIn(), await phone.signIn()]
  await desk.signIn()
  const answer = await here.press(`${NOT_ME}?id=${phoneId}`)
  const offer = /href="([^"]*which=others)"/.exec(await here.text(answer.headers.get('location')!))?.[1]
  await here.press(offer!)

  expect(devicesIn(await here.text(HOME))).toEqual([hereId])
})
