// The attacker has: an account of their own, freshly proved, and the public session id of somebody else, from a log or a screen.
// The attacker does: asks about that id, ends it, disowns it, and puts it beside ids of their own, in every field and method there is.
// The attacker must not get: an end of that session, a look at its device, a difference from an id that never was, nor that person's account marked.
import { expect, it, vi } from 'vitest'
import { AGENTS, accountSite, END, fieldsOf, HOME, NOT_ME, person } from '../console/account-support.ts'

const NEVER_WAS = '_e6xWSoz1iYcemKkXHzYBw'

async function scene() {
  const onNotMe = vi.fn()
  const site = accountSite({}, { onNotMe })
  const [victim, eve, spare] = [person(site, AGENTS.phone), person(site), person(site, AGENTS.windows)]
  const [victimId] = [await victim.signIn('victim'), await eve.signIn('eve')]
  const own = fieldsOf(await eve.text(`${END}?id=${await spare.signIn('eve')}`))
  return { site, victim, eve, victimId, onNotMe, own }
}

it('ending by id', async () => {
  const { victim, eve, victimId, own } = await scene()
  const answers = [await eve.send(END, { ...own, id: victimId }), await eve.send(END, { ...own, id: NEVER_WAS })]

  expect(answers.map(({ headers }) => headers.get('location'))).toEqual(Array(2).fill(`${HOME}?done=gone`))
  expect((await victim.me()).subject).toBe('victim')
})

it('asking by id', async () => {
  const { eve, victimId } = await scene()
  const ask = async (path: string) => [(await eve.visit(path)).status, (await eve.text(path)).replaceAll(/value="[^"]*"/g, '')]

  expect(await ask(`${END}?id=${victimId}`)).toEqual(await ask(`${END}?id=${NEVER_WAS}`))
  expect(await ask(`${NOT_ME}?id=${victimId}`)).toEqual(await ask(`${NOT_ME}?id=${NEVER_WAS}`))
  expect(await eve.text(`${NOT_ME}?id=${victimId}`)).not.toContain('iPhone')
})

it('disowning by id', async () => {
  const { victim, eve, victimId, onNotMe, own } = await scene()
  await eve.send(NOT_ME, { ...own, id: victimId })

  expect((await victim.me()).subject).toBe('victim')
  expect(onNotMe.mock.calls).toEqual([[{ subject: 'eve', sessionId: undefined }]])
})

it('all others and everywhere end their own alone', async () => {
  const { site, victim, eve, own } = await scene()
  await eve.send(END, { ...own, which: 'others', subject: 'victim', id: '' })
  await eve.send(END, { ...own, which: 'all', subject: 'victim' })

  expect([(await victim.me()).subject, (await site.sessions.list('eve')).length]).toEqual(['victim', 0])
})

it('a token of their own form is worth nothing in the victim’s browser, nor is the victim’s cookie without a form', async () => {
  const { victim, own } = await scene()
  const statuses = [
    (await victim.send(END, { ...own, which: 'all' })).status,
    (await victim.send(END, { which: 'all' })).status,
    (await victim.send(END, { ...own, which: 'all' }, { 'sec-fetch-site': 'none' })).status,
  ]

  expect([statuses, (await victim.me()).subject]).toEqual([[403, 403, 403], 'victim'])
})
