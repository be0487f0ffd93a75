// OWASP ASVS 5.0.0, V6.3 and V16: what people and logs are told.
import pino from 'pino'
import { alerts, email, newSignInNotice } from 'sojourn/monitor/alerts'
import { logEvents } from 'sojourn/monitor/logger'
import { expect, it, onTestFinished } from 'vitest'
import { setUp } from '../../core/support.ts'

it('ASVS-6.3.5: a person is told of a sign-in from a device they do not use, and ends it', async () => {
  const { sessions } = setUp()
  const mails: { subject: string; token: string }[] = []
  const notice = newSignInNotice(sessions, { tell: (signIn) => mails.push(signIn) })
  onTestFinished(() => notice.close({ timeout: 0 }))
  const mine = await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'Firefox on Linux' })
  await notice.drained()
  await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'Chrome on Windows' })
  await notice.drained()

  const outcome = await notice.confirm(mails[1]!.token)

  expect(mails.map(({ subject }) => subject)).toEqual(['ada', 'ada'])
  expect(outcome).toMatchObject({ ok: true, count: 1, needsNewPassword: true })
  expect(await sessions.list('ada')).toMatchObject([{ id: mine.id }])
})

it('ASVS-16.3.3: attempts to get round the controls reach somebody at once', async () => {
  const { sessions } = setUp()
  const rules: string[] = []
  const alarm = alerts(sessions, { channels: { ops: email(({ rule }) => rules.push(rule)) } })
  onTestFinished(() => alarm.close({ timeout: 0 }))

  for (let i = 0; i < 20; i++) await sessions.read(`sjn1_${'A'.repeat(86)}`)
  sessions.events.emit({ type: 'session.reused', generation: 1, outcome: 'revoked' })
  await alarm.drained()

  expect(rules.toSorted()).toEqual(['forged-tokens', 'stolen-token'])
})

it('ASVS-16.4.1: what an attacker chose begins no line of its own, and steers no terminal', async () => {
  const { sessions, seen } = setUp()
  const lines: string[] = []
  logEvents(sessions, pino({}, { write: (line: string) => void lines.push(line) }))

  await sessions.signIn({ subject: 'ada\n{"level":30,"msg":"all is well"}\u001b[2J\u202e', method: 'pwd' })
  await seen()

  expect(lines).toHaveLength(1)
  expect(lines[0]!.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u)
  expect((JSON.parse(lines[0]!) as { subject: string }).subject).not.toMatch(/[\p{Cc}\u202e]/u)
})
