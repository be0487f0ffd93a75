// OWASP ASVS 5.0.0, V7.4: session termination.
import { createSessions } from 'sojourn'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it } from 'vitest'
import { browser, site, subjectOf } from '../../attacks/support.ts'
import { KEY, setUp, signedIn } from '../../core/support.ts'

it('ASVS-7.4.1: after sign-out neither the last token nor any before it can be used again, and the data is gone from the store', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  await ada.visit('/basket?item=tea')
  const { id } = await ada.me()
  const tokens = [ada.token()]
  for (const path of ['/rotate', '/me', '/rotate', '/me']) {
    await ada.visit(path)
    tokens.push(ada.token())
  }
  await ada.visit('/logout')

  expect(await Promise.all(tokens.map((token) => subjectOf(shop, token)))).toEqual([null, null, null, null, null])
  expect(await shop.store.read(id!)).toEqual({
    kind: 'tombstone',
    tombstone: expect.not.objectContaining({ body: expect.anything() }),
  })
})

it('ASVS-7.4.2: ending all sessions of an account refuses the next request of every device', async () => {
  const { sessions } = setUp()
  const tokens = [await signedIn(sessions), await signedIn(sessions), await signedIn(sessions)]
  await sessions.revokeSubject('ada', { reason: 'account-disabled' })

  expect(await Promise.all(tokens.map(async (token) => (await sessions.read(token)).subject))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('ASVS-7.4.3: after a change of a factor all other sessions can be ended, and exactly this one stays, under a new token', async () => {
  const { sessions } = setUp()
  const tokens = [await signedIn(sessions), await signedIn(sessions)]
  const session = await sessions.read(tokens[0])
  await session.revokeOthers({ reason: 'password-changed' })
  await session.rotate({ isPrivilegeChange: true, reason: 'password-changed' })
  const { token } = await session.commit()

  expect([token === tokens[0], (await sessions.read(token)).state, (await sessions.read(tokens[1])).state]).toEqual([
    false,
    'active',
    'revoked',
  ])
})

it('ASVS-7.4.5: an administrator can end one session, or all of a user, and the event names who did', async () => {
  const { sessions, seen } = setUp()
  const one = await sessions.read(await signedIn(sessions))
  await sessions.revoke(one.id!, { actor: 'admin' })
  await sessions.revokeSubject('ada', { actor: 'admin' })

  expect([await seen('session.revoked'), await seen('subject.revoked')]).toMatchObject([
    [{ actor: 'admin' }],
    [{ actor: 'admin' }],
  ])
})

it('ASVS-7.4.1: a self-contained token copied before sign-out, or before all of a subject’s sessions ended, is refused afterwards', async () => {
  const sessions = createSessions({ store: cookieStore({ ledger: memoryStore() }), keys: KEY })
  const signIn = async () => (await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()).token!
  const [signedOut, endedWithAll] = [await signIn(), await signIn()]

  await (await sessions.read(signedOut)).signOut()
  const meanwhile = (await sessions.read(endedWithAll)).state
  await sessions.revokeSubject('ada')

  expect([(await sessions.read(signedOut)).state, meanwhile]).toEqual(['revoked', 'active'])
  expect((await sessions.read(endedWithAll)).state).toBe('revoked')
  expect((await sessions.read(await signIn())).state).toBe('active')
})
