// OWASP ASVS 5.0.0, V16: the rows about log entries, shown by the audit log.
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { openLog } from '../../monitor/audit/support.ts'

/** A log of what a person with a hostile name did. */
async function log() {
  const store = sqliteAuditStore(':memory:')
  const opened = openLog(store)
  onTestFinished(async () => {
    await opened.audit.close()
    await store.close()
  })
  const session = await opened.sessions.signIn({ subject: HOSTILE, method: 'pwd' })
  await opened.sessions.revoke(session.id!, { reason: 'account-disabled', actor: HOSTILE })
  await opened.sessions.read('garbage')
  await opened.audit.drained()
  await opened.audit.record({ action: 'console.noted', actor: HOSTILE, reason: HOSTILE, details: { [HOSTILE]: HOSTILE } })
  return opened
}
const HOSTILE = 'ada\r\n{"entry":{"seq":99}}\u001b[2J\u202e\u2028\u0085<script>'

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

it('ASVS-16.2.1: an entry says when, what, which session, whose, by whom and why', async () => {
  const { audit, clock } = await log()
  const [entry] = (await audit.search({ types: ['session.revoked'] })).entries

  expect(entry).toMatchObject({
    at: clock(),
    subject: HOSTILE,
    actor: HOSTILE,
    reason: 'account-disabled',
    sessionId: expect.stringMatching(/^[\w-]{22}$/),
  })
})

it('ASVS-16.2.2: times are UTC: ISO 8601 with Z, or milliseconds since 1970', async () => {
  const { audit, clock } = await log()
  const [ecs] = (await linesOf(audit.export({ format: 'ecs' }))).map((line) => JSON.parse(line))
  const [ocsf] = (await linesOf(audit.export({ format: 'ocsf' }))).map((line) => JSON.parse(line))

  expect(ecs['@timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect([Date.parse(ecs['@timestamp']), ocsf.time]).toEqual([clock(), clock()])
})

it('ASVS-16.2.4: every line of an export is an object of one schema', async () => {
  const { audit } = await log()
  const line = z.union([
    z.strictObject({ entry: z.looseObject({ seq: z.int(), at: z.number(), type: z.string() }), hash: z.string().length(43) }),
    z.strictObject({
      checkpoint: z.strictObject({
        v: z.literal(1),
        log: z.string(),
        number: z.int(),
        seq: z.int(),
        hash: z.string().length(43),
        at: z.number(),
        previous: z.string(),
        key: z.string(),
      }),
      signature: z.string().length(86),
    }),
  ])
  await audit.checkpoint()

  const lines = await linesOf(audit.export())

  expect(lines).toHaveLength(5)
  for (const text of lines) expect(line.safeParse(JSON.parse(text)).error).toBeUndefined()
})

it('ASVS-16.2.5: no entry and no export carries a token', async () => {
  const { audit, sessions } = await log()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { token } = await session.commit()
  await sessions.read(`${token!.slice(0, -1)}x`)
  await audit.drained()
  const all = await Promise.all((['json', 'ecs', 'ocsf'] as const).map((format) => linesOf(audit.export({ format }))))

  expect(all.flat().join('')).toContain('session.started')
  expect(all.flat().join('')).not.toContain(token!.slice(26, 60))
})

it('ASVS-16.4.1: no line break, terminal sequence or mark of direction gets from a name into a line', async () => {
  const { audit } = await log()
  for (const format of ['json', 'ecs', 'ocsf'] as const) {
    const lines = await linesOf(audit.export({ format }))

    expect(lines).toHaveLength(4)
    expect(lines.filter((line) => !/^[\x20-\x7e]+\n$/.test(line))).toEqual([])
    expect(lines.some((line) => JSON.stringify(JSON.parse(line)).includes('script'))).toBe(true)
  }
})

it('ASVS-16.4.2-3: entries cannot be changed unseen, and leave for another system as they are written', async () => {
  const { audit } = await log()
  const seen = (await linesOf(audit.export({ format: 'json' }))).length
  await audit.record({ action: 'console.noted', actor: 'root' })

  expect([(await audit.verify()).isIntact, (await linesOf(audit.export({ after: seen }))).length]).toEqual([true, 1])
})
