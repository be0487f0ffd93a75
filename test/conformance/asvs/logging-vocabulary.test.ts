// OWASP Logging Vocabulary Cheat Sheet: what happens has its name of the vocabulary, in the audit log and its exports.
import { auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { expect, it, onTestFinished } from 'vitest'
import type { Sessions } from '../../../src/core/sessions.ts'
import { catalogue } from '../../../src/monitor/catalogue.ts'
import { browser, site } from '../../attacks/support.ts'
import { codeOf, type LooseOptions, setUp, tokenOf } from '../../core/support.ts'
import { oneOfEach } from '../../monitor/one-of-each.ts'
import { codes } from '../../stepup/codes-support.ts'

/** The names of the vocabulary that the log has for what a service reports. */
function names(sessions: Sessions) {
  const store = sqliteAuditStore(':memory:')
  const audit = auditLog(sessions, { store, records: () => true, linger: 0 })
  onTestFinished(async () => {
    await audit.close()
    await store.close()
  })
  return async () => {
    await audit.drained()
    return (await audit.search({ limit: 500 })).entries
      .toReversed()
      .map(({ owasp, ...entry }) => ({ name: owasp[0], owasp, ...entry }))
  }
}

const service = (options?: LooseOptions) => {
  const made = setUp(options)
  return { ...made, entries: names(made.sessions) }
}

it('LOG-01: a new session is session_created', async () => {
  const { sessions, entries } = service()
  await sessions.signIn({ subject: 'ada', method: 'pwd' })

  expect(await entries()).toMatchObject([{ name: 'session_created', subject: 'ada', level: 'info' }])
})

it('LOG-02: a renewed session is session_renewed', async () => {
  const { sessions, entries } = service()
  await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).rotate()

  expect((await entries()).at(-1)).toMatchObject({ name: 'session_renewed', subject: 'ada', level: 'info' })
})

it('LOG-03: an expired session is session_expired with its reason', async () => {
  const { sessions, entries, clock } = service()
  const token = await tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd' }))
  clock.advance(86_400_000)
  await sessions.read(token)

  expect((await entries()).at(-1)).toMatchObject({
    name: 'session_expired',
    subject: 'ada',
    reason: expect.stringMatching(/idle|absolute/),
  })
})

it('LOG-04: a logout is session_logout with the public id', async () => {
  const { sessions, entries } = service()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { id } = session
  await session.signOut()

  expect((await entries()).at(-1)).toMatchObject({ name: 'session_logout', subject: 'ada', sessionId: id })
})

it('LOG-05: use of an ended session is session_use_after_expire', async () => {
  const { sessions, entries } = service()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const token = await tokenOf(session)
  await (await sessions.read(token)).signOut()
  await sessions.read(token)

  expect((await entries()).at(-1)).toMatchObject({ name: 'session_use_after_expire', subject: 'ada' })
})

it('LOG-06: one session too many is excess_sessions_exceeded with the limit', async () => {
  const { sessions, entries } = service({ policy: { limit: { max: 1, onExceeded: 'reject' } } })
  await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await codeOf(sessions.signIn({ subject: 'ada', method: 'pwd' }))

  expect((await entries()).at(-1)).toMatchObject({ name: 'excess_sessions_exceeded', level: 'warn', details: { limit: 1 } })
})

it('LOG-07: a limit of tries is excess_rate_limit_exceeded', () => {
  expect([catalogue['throttle.reached'].owasp, catalogue['throttle.reached'].level]).toEqual([
    ['excess_rate_limit_exceeded'],
    'warn',
  ])
})

it('LOG-08: a sign-in, and a proof after it, are authn_login_success', async () => {
  const { sessions, entries } = service()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await session.elevate({ method: 'otp' })

  expect((await entries()).filter(({ owasp }) => owasp.includes('authn_login_success'))).toMatchObject([
    { type: 'session.started', details: { methods: ['pwd'] } },
    { type: 'session.elevated' },
  ])
})

it('LOG-09: a wrong code is authn_login_fail', async () => {
  const { sessions, totp, enrolled } = codes()
  const entries = names(sessions)
  const { session } = await enrolled()
  await totp.verify(session, '000000')

  const all = await entries()
  expect(all.find(({ type }) => type === 'factor.added')).toMatchObject({ name: 'authn_password_change', level: 'info' })
  expect(all.find(({ type }) => type === 'factor.refused')).toMatchObject({
    name: 'authn_login_fail',
    level: 'warn',
    subject: 'ada',
  })
})

it('LOG-10: a new factor is authn_password_change', () => {
  expect(catalogue['factor.added'].owasp).toEqual(['authn_password_change'])
})

it('LOG-12: a token that was replaced and comes back is authn_token_reuse, critical; tokens made and given back have their names', async () => {
  const { sessions, entries, clock } = service()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const old = await tokenOf(session)
  const again = await sessions.read(old)
  await again.rotate()
  await sessions.read(await tokenOf(again))
  clock.advance(31_000)
  await sessions.read(old)

  expect((await entries()).find(({ name }) => name === 'authn_token_reuse')).toMatchObject({ level: 'critical', subject: 'ada' })
  expect([catalogue['access-token.minted'].owasp, catalogue['access-token.revoked'].owasp]).toEqual([
    ['authn_token_created'],
    ['authn_token_revoked'],
  ])
})

it('LOG-13: what a session has not proved enough for is authz_fail', async () => {
  const { sessions, entries } = service()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await codeOf(() => session.requireAssurance({ acr: 'aal2' }))

  expect((await entries()).at(-1)).toMatchObject({ name: 'authz_fail', subject: 'ada', details: { acr: 'aal2' } })
})

it('LOG-14: a forged request is malicious_csrf', async () => {
  const shop = site()
  const entries = names(shop.sessions)
  const ada = browser(shop)
  await ada.visit('/login')
  await ada.visit('/transfer', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })

  expect((await entries()).find(({ name }) => name === 'malicious_csrf')).toMatchObject({ level: 'warn' })
})

it('LOG-15: what cannot be opened is crypt_decrypt_fail', () => {
  expect([catalogue['session.quarantined'].owasp, catalogue['session.quarantined'].level]).toEqual([
    ['crypt_decrypt_fail'],
    'warn',
  ])
})

it('LOG-16: a page asked for before the second factor is sequence_fail', async () => {
  const { sessions, entries } = service()
  const token = await tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' }))
  const session = await sessions.read(token, { mayBePending: true })
  await codeOf(() => session.requireAssurance({ acr: 'aal2' }))

  expect((await entries()).at(-1)).toMatchObject({ type: 'assurance.refused', owasp: expect.arrayContaining(['sequence_fail']) })
})

it('LOG-17: no event has a field for an address, a token, a password or a key', () => {
  const fields = new Set(oneOfEach.flatMap((event) => Object.keys(event)))

  expect([...fields].filter((name) => /address|^ip|token$|secret|password|key$|cookie|userAgent/i.test(name))).toEqual([])
})
