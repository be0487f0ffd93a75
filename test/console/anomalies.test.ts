import { expect, it } from 'vitest'
import { HOSTILE, siteFor } from './site.ts'

const anomaly = (subject: string, sessionId: string | undefined) =>
  ({
    type: 'anomaly.detected',
    subject,
    sessionId,
    signal: 'impossible-travel',
    score: 0.93,
    action: 'step-up',
    isShadow: false,
    features: [
      { name: 'speed', contribution: 0.8 },
      { name: 'distance', contribution: 0.13 },
    ],
    reason: 'The sign-in came from too far away for the time since the last one.',
  }) as const

it('anomalies say what looked wrong, how sure that is, what it rests on, and lead to an end of it', async () => {
  const site = await siteFor()
  const operator = await site.operator()
  const { id = '' } = await site.sessions.signIn({ subject: 'ada', method: 'pwd' })
  expect((await operator.get('/console/anomalies')).text).toContain('Nothing looked wrong')

  site.sessions.events.emit(anomaly('ada', id))
  site.sessions.events.emit({ ...anomaly(HOSTILE.subject, undefined), isShadow: true })
  await site.sessions.events.drained()
  const { text } = await operator.get('/console/anomalies')

  for (const part of [
    'impossible travel',
    'too far away',
    '0.93',
    'speed',
    'asked for more proof',
    'only reported',
    `/console/sessions/${id}/end`,
  ])
    expect(text).toContain(part)
  expect(text).not.toContain('<script>alert')
})

it('entries of the audit log are shown, whatever they hold', async () => {
  const entry = { seq: 1, level: 'warn', sentence: '', times: 1, actor: undefined, hash: '' } as const
  const { reason, subject, sessionId, type, ...details } = anomaly('ada', undefined)
  const good = { ...entry, at: 0, type, reason, subject, sessionId, details }
  const odd = {
    ...entry,
    at: 0,
    type,
    reason: undefined,
    subject: undefined,
    sessionId: undefined,
    details: { signal: 1, features: 'x' },
  }
  const site = await siteFor({
    console: {
      audit: { record: async () => {}, search: async () => ({ entries: [good, odd], older: '1.1', newer: undefined }) },
    },
  })
  const { text, status } = await (await site.operator()).get('/console/anomalies')
  expect([status, text.match(/<article/g)?.length]).toEqual([200, 1])
  expect(text).toContain('href="/console/anomalies?older=1.1"')
})
