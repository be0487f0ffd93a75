import { DatabaseSync } from 'node:sqlite'
import type { AuditRecord, AuditStore } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../../core/support.ts'
import { oneOfEach } from '../one-of-each.ts'
import { openLog, until, wrapped } from './support.ts'

function log(options: Parameters<typeof openLog>[1] = {}, store: AuditStore = sqliteAuditStore(':memory:')) {
  const opened = openLog(store, options)
  onTestFinished(async () => {
    await opened.audit.close({ timeout: 100 })
    await store.close()
  })
  const types = async () => (await opened.audit.search({ limit: 500 })).entries.map(({ type }) => type).reverse()
  return { ...opened, types, store }
}

describe('what is recorded', () => {
  it('a sign-in, a sign-out by an administrator and its reason, as they happened', async () => {
    const { sessions, audit, clock } = log()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    clock.advance(60_000)
    await sessions.revoke(session.id!, { reason: 'account-disabled', actor: 'root-librarian' })
    await audit.drained()

    const { entries } = await audit.search()

    expect(entries).toMatchObject([
      {
        seq: 2,
        type: 'session.revoked',
        subject: 'ada',
        sessionId: session.id,
        actor: 'root-librarian',
        reason: 'account-disabled',
        at: clock(),
      },
      {
        seq: 1,
        type: 'session.started',
        subject: 'ada',
        sessionId: session.id,
        details: { methods: ['pwd'] },
        sentence: 'Signed in with pwd.',
        level: 'info',
      },
    ])
  })

  it('every event that bears on who may do what; not what each session does every few minutes', async () => {
    const { emit, audit, types } = log()
    for (const event of oneOfEach) emit(event)
    await audit.drained()

    const recorded = await types()

    expect(recorded).not.toContain('session.rotated')
    expect(recorded).not.toContain('access-token.minted')
    expect(recorded).toEqual(
      expect.arrayContaining([
        'session.started',
        'session.reused',
        'factor.removed',
        'csrf.refused',
        'store.failed',
        'safety.lowered',
      ]),
    )
    expect((await audit.verify()).isIntact).toBe(true)
  })

  it.each([
    ['types', ['session.rotated'] as const],
    ['a function', ({ type }: { type: string }) => type === 'session.rotated'],
  ])('records takes %s', async (_, records) => {
    const { emit, audit, types } = log({ records })
    for (const event of oneOfEach) emit(event)
    await audit.drained()

    expect(await types()).toEqual(['session.rotated'])
  })

  it('a flood of forged tokens is one entry while it waits, with how many they were; people’s events stay apart', async () => {
    const { emit, audit, clock } = log({ linger: 60_000 })
    const startedAt = clock()
    for (let i = 0; i < 300; i++) {
      clock.advance(10)
      emit({ type: 'token.refused', state: 'forged' })
    }
    emit({ type: 'token.refused', state: 'malformed' })
    for (let i = 0; i < 2; i++) emit({ type: 'session.used-after-end', reason: 'logout', subject: 'ada' })
    await audit.drained()

    const { entries } = await audit.search()

    expect(entries.map(({ type, times }) => [type, times])).toEqual([
      ['session.used-after-end', 1],
      ['session.used-after-end', 1],
      ['token.refused', 1],
      ['token.refused', 300],
    ])
    expect(entries.at(-1)).toMatchObject({ at: startedAt + 10, details: { state: 'forged', lastAt: startedAt + 3000 } })
  })

  it('what found no room is an entry that says how many', async () => {
    const store = sqliteAuditStore(':memory:')
    let isAway = true
    const append: AuditStore['append'] = (decide) => (isAway ? Promise.reject(new Error('away')) : store.append(decide))
    const { emit, audit, types } = log({ mostWaiting: 100 }, wrapped(store, { append }))
    for (let i = 0; i < 100; i++) emit({ type: 'session.expired', reason: 'idle', subject: `p${i}` })
    await until(() => audit.status.failures > 0)
    for (let i = 0; i < 42; i++) emit({ type: 'session.expired', reason: 'idle', subject: `q${i}` })
    isAway = false
    await until(async () => (await types()).includes('audit.gap'))

    const { entries } = await audit.search({ types: ['audit.gap'] })

    // And the report that the log was away found no room either.
    expect(entries).toMatchObject([
      { details: { count: expect.any(Number) }, sentence: expect.stringMatching(/^4[2-9] events are missing here/) },
    ])
    expect(audit.status.dropped).toBeGreaterThanOrEqual(42)
    expect((await audit.verify()).isIntact).toBe(true)
  })

  it('a batch whose answer was lost is not written twice', async () => {
    const store = sqliteAuditStore(':memory:')
    let lost = 0
    const append: AuditStore['append'] = async (decide) => {
      await store.append(decide)
      if (lost++ < 2) throw new Error('the connection was lost at COMMIT')
    }
    const { emit, audit } = log({}, wrapped(store, { append }))
    emit({ type: 'session.expired', reason: 'idle', subject: 'ada' })
    await until(() => audit.status.waiting === 0 && lost > 2)

    expect((await audit.search({ subject: 'ada' })).entries).toHaveLength(1)
    expect((await audit.verify()).isIntact).toBe(true)
  })

  it('an event that nobody can write keeps nothing behind it from being written', async () => {
    const { sessions, audit, types } = log()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const events: unknown[] = [
      { type: 'session.expired', reason: circular, subject: 'ada' },
      { type: 'session.expired', reason: 'x'.repeat(100_000) },
      { type: 'session.expired', reason: 'idle', at: Number.NaN, subject: 'ada' },
      { type: 'session.expired', reason: 'idle', subject: 7 },
      { type: 'session.expired', reason: 'idle', subject: 'ada' },
    ]
    for (const event of events) sessions.events.emit(event as never)
    await audit.drained()

    expect(await types()).toEqual([
      'audit.unwritable',
      'audit.unwritable',
      'session.expired',
      'audit.unwritable',
      'session.expired',
    ])
    expect((await audit.verify()).isIntact).toBe(true)
  })

  it('while the store hangs, nothing waits for it but what asked for an entry, and that not for ever', async () => {
    const store = sqliteAuditStore(':memory:')
    const hanging = wrapped(store, { isLocal: false, append: () => new Promise(() => {}) })
    const { audit, sessions } = log({ timeout: 30 }, hanging)

    expect((await sessions.signIn({ subject: 'ada', method: 'pwd' })).state).toBe('active')
    expect(await codeOf(audit.record({ action: 'console.looked', actor: 'root' }))).toBe('ERR_STORE_UNAVAILABLE')
  })
})

describe('record', () => {
  it('resolves with the entry, when it is in the log', async () => {
    const { audit, clock } = log()

    const entry = await audit.record({
      action: 'invoice.deleted',
      actor: 'root-librarian',
      target: 'invoice 4711',
      subject: 'ada',
      reason: 'Asked for by e-mail.',
      details: { amount: 12.5, lines: ['a', 'b'] },
    })

    expect(entry).toMatchObject({
      seq: 1,
      at: clock(),
      type: 'invoice.deleted',
      actor: 'root-librarian',
      subject: 'ada',
      reason: 'Asked for by e-mail.',
    })
    expect(entry.details).toEqual({ target: 'invoice 4711', details: { amount: 12.5, lines: ['a', 'b'] } })
    expect((await audit.search()).entries).toEqual([entry])
  })

  it('many at once get numbers of their own', async () => {
    const { audit } = log()

    const entries = await Promise.all(
      Array.from({ length: 50 }, (_, i) => audit.record({ action: 'test.counted', actor: `${i}` })),
    )

    expect(entries.map(({ seq, actor }) => [seq, actor])).toEqual(Array.from({ length: 50 }, (_, i) => [i + 1, `${i}`]))
  })

  it.each<[string, unknown]>([
    ['no entry at all', undefined],
    ['no action', { actor: 'root' }],
    ['an action with a line break', { action: 'a\nb', actor: 'root' }],
    ['the name of an event', { action: 'session.revoked', actor: 'root' }],
    ['a name of the log’s own', { action: 'audit.cut', actor: 'root' }],
    ['no actor', { action: 'x' }],
    ['an empty actor', { action: 'x', actor: '' }],
    ['a target of more than 1,024 characters', { action: 'x', actor: 'root', target: 'x'.repeat(1025) }],
    ['a reason that is no text', { action: 'x', actor: 'root', reason: 7 }],
    ['details that refer to themselves', { action: 'x', actor: 'root', details: circular() }],
    ['details of 5 KB', { action: 'x', actor: 'root', details: { text: 'x'.repeat(5000) } }],
    ['details with a BigInt', { action: 'x', actor: 'root', details: { big: 1n } }],
  ])('%s is refused, and nothing is written', async (_, record) => {
    const { audit } = log()

    expect(await codeOf(audit.record(record as AuditRecord))).toBe('ERR_ARGUMENT_INVALID')
    expect((await audit.search()).entries).toEqual([])
  })
})

describe('a long log', () => {
  it('is verified, exported and shortened without holding up everything else', async () => {
    const { audit, emit, clock } = log({ checkpointEvery: 100 })
    for (let i = 0; i < 1000; i++) emit({ type: 'session.expired', reason: 'idle', subject: `p${i}` })
    await audit.drained()
    await audit.checkpoint()
    clock.advance(1000)
    const turnsDuring = async (work: () => Promise<unknown>) => {
      let turns = 0
      let next = setImmediate(function turn() {
        turns++
        next = setImmediate(turn)
      })
      await work()
      clearImmediate(next)
      return turns
    }
    const lines: string[] = []
    const exporting = async () => {
      for await (const line of audit.export()) lines.push(line)
    }

    const turns = [
      await turnsDuring(() => audit.verify()),
      await turnsDuring(exporting),
      await turnsDuring(() => audit.retain({ olderThan: 1 })),
    ]

    expect(lines.length).toBeGreaterThanOrEqual(1000)
    for (const count of turns) expect(count).toBeGreaterThanOrEqual(2)
  })
})

describe('checkpoints', () => {
  it('come after so many entries, and at close; each is told once', async () => {
    const told: number[] = []
    const { audit, emit } = log({ checkpointEvery: 10, onCheckpoint: ({ seq }) => told.push(seq) })
    for (let i = 0; i < 25; i++) {
      emit({ type: 'session.expired', reason: 'idle', subject: 'ada' })
      await audit.drained()
    }
    await audit.close()

    expect(told).toEqual([10, 20, 25])
  })

  it('come after so much time, with the next entry', async () => {
    const told: number[] = []
    const { audit, clock } = log({ checkpointInterval: 60_000, onCheckpoint: ({ seq }) => told.push(seq) })
    await audit.record({ action: 'x', actor: 'root' })
    clock.advance(61_000)
    await audit.record({ action: 'x', actor: 'root' })

    expect(told).toEqual([2])
  })

  it('a hook that fails is an event, and costs nothing else', async () => {
    const { audit, seen, sessions } = log({
      onCheckpoint: () => {
        throw new Error('the mailbox is full')
      },
    })
    await audit.record({ action: 'x', actor: 'root' })

    expect(await audit.checkpoint()).toMatchObject({ number: 1, seq: 1, keyId: audit.publicKeys[0]!.id })
    await sessions.events.drained()
    expect(seen).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'monitor.failed', consumer: 'audit-anchor' })]))
  })

  it('asked for twice with nothing new, the same one comes', async () => {
    const { audit } = log()
    expect(await audit.checkpoint()).toBeUndefined()
    await audit.record({ action: 'x', actor: 'root' })

    expect(await audit.checkpoint()).toEqual(await audit.checkpoint())
  })
})

describe('options', () => {
  it.each<[string, object]>([
    ['no store', { store: undefined }],
    ['a store that is none', { store: { append: () => {} } }],
    ['records of no event', { records: ['session.stolen'] }],
    ['a checkpoint never', { checkpointEvery: 0 }],
    ['a key that is none', { trustedKeys: ['x'] }],
    ['a hook that is none', { onCheckpoint: 'mail' }],
    ['entries kept for a minute', { keepFor: 60_000 }],
  ])('%s is refused at start-up', async (_, options) => {
    expect(await codeOf(() => openLog(sqliteAuditStore(':memory:'), options))).toBe('ERR_CONFIG_INVALID')
  })

  it('a file of sessions is refused', async () => {
    const database = new DatabaseSync(':memory:')
    database.exec(`PRAGMA application_id = ${0x53_4a_4e_31}`)

    expect(await codeOf(() => sqliteAuditStore(database))).toBe('ERR_STORE_UNREADABLE')
  })

  it('tables of a newer version are left alone', async () => {
    const database = new DatabaseSync(':memory:')
    await sqliteAuditStore(database).close()
    database.exec('INSERT INTO sojourn_audit_schema VALUES (2)')

    expect(await codeOf(() => sqliteAuditStore(database))).toBe('ERR_STORE_NEWER')
  })

  it('an application’s handle with settings of its own will do, also while it has a transaction open', async () => {
    const database = new DatabaseSync(':memory:', { readBigInts: true, returnArrays: true } as object)
    const { audit } = log({}, sqliteAuditStore(database))
    database.exec('BEGIN')
    const recording = audit.record({ action: 'x', actor: 'root' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    database.exec('ROLLBACK')

    expect((await recording).seq).toBe(1)
    expect((await audit.verify()).isIntact).toBe(true)
  })
})

function circular(): object {
  const self: Record<string, unknown> = {}
  self.self = self
  return self
}
