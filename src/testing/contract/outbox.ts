import { isSojournError } from '../../core/errors.ts'
import type { Outbox, OutboxEntry } from '../../oidc/outbox.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { outboxRaces } from '../races/outbox.ts'
import { someId, someSubject } from './harness.ts'
import { HOSTILE_SUBJECTS, NEAR_PAIRS } from './hostile-subjects.ts'
import { due, namesOf, type OutboxRule, settlementOf, someEntry, watch } from './outbox-harness.ts'
import { contend } from './races.ts'

const MINUTE = 60_000

/** All that may be taken now, each leased for a minute. */
const lease = (outbox: Outbox, now: number, state: 'watching' | 'due' = 'due', clientId?: string) =>
  outbox.lease(state, { clientId, now, until: now + MINUTE, limit: 1000 })

const listed = (outbox: Outbox, state: OutboxEntry['state']) => outbox.list(state, { limit: 1000 })

export function watchRules(rule: OutboxRule): void {
  rule('an entry is kept as it was given, and seen by every handle', async ({ outbox, second, now }) => {
    const entry = await watch(outbox, someEntry(now))

    isEqual(await listed(second, 'watching'), [entry], 'what is kept')
  })

  rule('a second call for the same session and client changes nothing, and is told the sid of the first', async (bench) => {
    const { outbox, second, now } = bench
    const entry = await watch(outbox, someEntry(now))

    const sid = await second.watch({ ...entry, sid: 'another', subject: someSubject(), nextAt: now + 9 })

    isEqual(sid, entry.sid, 'the sid')
    isEqual(await listed(outbox, 'watching'), [entry], 'what is kept')
  })

  for (const state of ['due', 'delivered', 'dead'] as const) {
    rule(`an entry that is ${state} is not watched again`, async ({ outbox, now }) => {
      const entry = await due(outbox, now)
      const [leased] = await lease(outbox, now)
      await outbox.settle([settlementOf(leased!, { state, keepUntil: now })])

      isEqual(await outbox.watch({ ...entry, sid: 'another' }), entry.sid, 'the sid')
      isEqual([(await listed(outbox, 'watching')).length, (await listed(outbox, state)).length], [0, 1], `watched, and ${state}`)
    })
  }

  rule('clients of one session, and sessions of one client, do not meet', async ({ outbox, now }) => {
    const one = await watch(outbox, someEntry(now))
    const two = await watch(outbox, someEntry(now, { sessionId: one.sessionId }))
    const three = await watch(outbox, someEntry(now, { clientId: one.clientId }))

    isEqual(namesOf(await listed(outbox, 'watching')).sort(), namesOf([one, two, three]).sort(), 'what is kept')
  })

  rule('of many who add one entry at once, all are told the same sid', async ({ outbox, second, now }) => {
    const entry = someEntry(now)
    const sids = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? outbox : second).watch({ ...entry, sid: `sid-${index}` })),
    )

    isEqual(new Set(sids).size, 1, 'different sids')
    isEqual(
      (await listed(outbox, 'watching')).map(({ sid }) => sid),
      [sids[0]!],
      'the sid that is kept',
    )
  })
}

export function endRules(rule: OutboxRule): void {
  rule('the end of a session makes its watched entries due, and no others', async ({ outbox, second, now }) => {
    const sessionId = someId()
    const entries = [await watch(outbox, someEntry(now, { sessionId })), await watch(outbox, someEntry(now, { sessionId }))]
    const other = await watch(outbox, someEntry(now))

    const ended = await second.end(sessionId, { endedAt: now - 1, reason: 'logout', nextAt: now + 2 })

    isEqual([...ended].sort(), entries.map(({ clientId }) => clientId).sort(), 'whose entries it changed')
    const expected = { state: 'due', endedAt: now - 1, reason: 'logout', nextAt: now + 2, dueAt: now + 2 } as const
    const kept = await listed(outbox, 'due')
    for (const entry of entries)
      isEqual(
        kept.find(({ clientId }) => clientId === entry.clientId),
        { ...entry, ...expected },
        'what is due',
      )
    isEqual(await listed(outbox, 'watching'), [other], 'what is still watched')
  })

  rule('a session ends once: a later word changes nothing', async ({ outbox, now }) => {
    const entry = await due(outbox, now)

    isEqual(await outbox.end(entry.sessionId, { endedAt: now + 9, reason: 'expired', nextAt: now + 9 }), [], 'whose it changed')
    isEqual(await listed(outbox, 'due'), [entry], 'what is due')
  })

  rule('the end of a session nobody takes part in is nobody’s affair, whatever its id', async ({ outbox, now }) => {
    const entry = await watch(outbox, someEntry(now))

    for (const id of [someId(), '', 'x'.repeat(10_000), `' OR '1'='1`, '%', '__proto__', '👾'])
      isEqual(await outbox.end(id, { endedAt: now, reason: 'logout', nextAt: now }), [], 'whose it changed')
    isEqual(await listed(outbox, 'watching'), [entry], 'what is watched')
  })

  rule('of many who end one session at once, exactly one changes each entry', async ({ outbox, second, now }) => {
    const sessionId = someId()
    for (let i = 0; i < 3; i++) await watch(outbox, someEntry(now, { sessionId }))
    const calls = Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? outbox : second).end(sessionId, { endedAt: now, reason: `r${index}`, nextAt: now }),
    )

    isEqual((await Promise.all(calls)).flat().length, 3, 'entries that somebody changed')
  })

  rule('a subject’s watched entries are looked at sooner, never later, and no others', async ({ outbox, second, now }) => {
    const subject = someSubject()
    const late = await watch(outbox, someEntry(now, { subject, nextAt: now + MINUTE }))
    const soon = await watch(outbox, someEntry(now, { subject, nextAt: now - 1 }))
    const other = await watch(outbox, someEntry(now, { nextAt: now + MINUTE }))
    const ended = await due(outbox, now, { subject, nextAt: now + MINUTE })

    isEqual(await second.hasten(subject, now), 1, 'how many it changed')
    isEqual(namesOf(await listed(outbox, 'watching')), namesOf([other, late, soon]), 'what is watched, the latest first')
    isEqual(await listed(outbox, 'due'), [ended], 'what is due')
  })
}

export function leaseRules(rule: OutboxRule): void {
  rule('entries whose time has come are taken, the oldest first, at most so many', async ({ outbox, second, now }) => {
    const clientId = `client-${someId()}`
    const later = await due(outbox, now, { nextAt: now - 1, clientId })
    const first = await due(outbox, now, { nextAt: now - 3, clientId })
    const next = await due(outbox, now, { nextAt: now - 2, clientId })
    await due(outbox, now, { nextAt: now + 1, clientId })

    const taken = await second.lease('due', { clientId, now, until: now + MINUTE, limit: 2 })

    isEqual(
      taken,
      [first, next].map((entry) => ({ ...entry, nextAt: now + MINUTE })),
      'what was taken',
    )
    isEqual(namesOf(await lease(outbox, now)), namesOf([later]), 'what is left for the next')
  })

  rule('an entry is leased until the instant given, and then by somebody else', async ({ outbox, second, now }) => {
    const entry = await due(outbox, now)
    await lease(outbox, now)

    isEqual(await lease(second, now + MINUTE - 1), [], 'what another takes before')
    isEqual(namesOf(await lease(second, now + MINUTE)), namesOf([entry]), 'what another takes when it comes')
  })

  rule('a lease is of one state, and of one client where one is named', async ({ outbox, now }) => {
    const watched = await watch(outbox, someEntry(now))
    const one = await due(outbox, now)
    const other = await due(outbox, now)

    isEqual(namesOf(await lease(outbox, now, 'due', one.clientId)), namesOf([one]), 'one client’s')
    isEqual(await lease(outbox, now, 'due', `${one.clientId.slice(0, -1)}%`), [], 'those of a client there is not')
    isEqual(namesOf(await lease(outbox, now)), namesOf([other]), 'those of all clients')
    isEqual(namesOf(await lease(outbox, now, 'watching')), namesOf([watched]), 'what is watched')
  })

  rule('of many who lease at once, each entry goes to one', async ({ outbox, second, now }) => {
    const clientId = `client-${someId()}`
    const entries: OutboxEntry[] = []
    for (let i = 0; i < 30; i++) entries.push(await due(outbox, now, { clientId }))
    const calls = Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? outbox : second).lease('due', { clientId, now, until: now + MINUTE, limit: 3 }),
    )

    const taken = (await Promise.all(calls)).flat()
    const rest = await lease(outbox, now)
    isEqual(namesOf([...taken, ...rest]).sort(), namesOf(entries).sort(), 'what was taken, each once')
  })

  rule('what is leased and watched can still end', async ({ outbox, now }) => {
    const entry = await watch(outbox, someEntry(now))
    await lease(outbox, now, 'watching')

    isEqual(await outbox.end(entry.sessionId, { endedAt: now, reason: 'logout', nextAt: now }), [entry.clientId], 'whose it was')
    isEqual(namesOf(await lease(outbox, now)), namesOf([entry]), 'what is due')
  })
}

export function settleRules(rule: OutboxRule): void {
  rule('what came of a try is written down, many at once', async ({ outbox, second, now }) => {
    await due(outbox, now, { nextAt: now - 3 })
    await due(outbox, now, { nextAt: now - 2 })
    await due(outbox, now, { nextAt: now - 1 })
    const [one, two, three] = await lease(outbox, now)
    const settlements = [
      settlementOf(one!, { keepUntil: now + 5 }),
      settlementOf(two!, { state: 'due', nextAt: now + 7, attempts: 3, lastError: 'status-503' }),
      settlementOf(three!, { state: 'dead', lastError: 'status-400', keepUntil: now + 6 }),
    ]

    isEqual(await second.settle(settlements), 3, 'how many it changed')
    for (const [index, { leasedUntil: _, ...changes }] of settlements.entries())
      isEqual(await listed(outbox, changes.state), [{ ...[one, two, three][index]!, ...changes }], `what is ${changes.state}`)
  })

  rule('who has lost the lease changes nothing', async ({ outbox, second, now }) => {
    await due(outbox, now)
    const [late] = await lease(outbox, now)
    const [present] = await lease(second, now + MINUTE)

    isEqual(await outbox.settle([settlementOf(late!)]), 0, 'how many the first changed')
    isEqual(await second.settle([settlementOf(present!)]), 1, 'how many the second changed')
    isEqual(await second.settle([settlementOf(present!, { state: 'dead' })]), 0, 'how many a second word changed')
    isEqual((await listed(outbox, 'delivered')).length, 1, 'delivered')
  })

  rule('what is not due, or not there, is not settled; the others are', async ({ outbox, now }) => {
    await watch(outbox, someEntry(now))
    await due(outbox, now)
    const [watched] = await lease(outbox, now, 'watching')
    const [entry] = await lease(outbox, now)
    const absent = { ...entry!, sessionId: someId() }

    isEqual(await outbox.settle([settlementOf(watched!), settlementOf(absent), settlementOf(entry!)]), 1, 'how many it changed')
    isEqual(await outbox.settle([]), 0, 'how many of none')
    isEqual((await listed(outbox, 'watching')).length, 1, 'watched')
  })

  rule('a try again is due when it was said, no sooner', async ({ outbox, now }) => {
    await due(outbox, now)
    const [leased] = await lease(outbox, now)
    await outbox.settle([settlementOf(leased!, { state: 'due', nextAt: now + 500 })])

    isEqual(await lease(outbox, now + 499), [], 'what is due before')
    isEqual((await lease(outbox, now + 500))[0]?.attempts, 1, 'tries it had')
  })

  rule('of many who settle one lease, exactly one does', async ({ outbox, second, now }) => {
    await due(outbox, now)
    const [leased] = await lease(outbox, now)
    const calls = Array.from({ length: 10 }, (_, index) => (index % 2 ? outbox : second).settle([settlementOf(leased!)]))

    const changed = (await Promise.all(calls)).reduce((sum, count) => sum + count, 0)
    isEqual(changed, 1, 'how many were told that they did')
  })
}

export function endOfLifeRules(rule: OutboxRule): void {
  /** One of each: due, delivered and dead. */
  async function settled(
    outbox: Outbox,
    now: number,
    keepUntil: number,
  ): Promise<Record<'due' | 'delivered' | 'dead', OutboxEntry>> {
    const [due_, delivered, dead] = [await due(outbox, now), await due(outbox, now), await due(outbox, now)]
    const leased = await lease(outbox, now)
    const of = (entry: OutboxEntry) => leased.find(({ sessionId }) => sessionId === entry.sessionId)!
    await outbox.settle([
      settlementOf(of(due_), { state: 'due', nextAt: now }),
      settlementOf(of(delivered), { keepUntil }),
      settlementOf(of(dead), { state: 'dead', lastError: 'timeout', attempts: 9, keepUntil }),
    ])
    return { due: due_, delivered, dead }
  }

  rule('entries are listed by state and client, the latest first', async ({ outbox, now }) => {
    const clientId = `client-${someId()}`
    const entries: OutboxEntry[] = []
    for (const age of [3, 1, 2]) entries.push(await due(outbox, now, { clientId, nextAt: now - age }))
    const other = await due(outbox, now, { nextAt: now - 9 })
    const latest = [entries[1]!, entries[2]!, entries[0]!]

    isEqual(await outbox.list('due', { limit: 10 }), [...latest, other], 'all that is due')
    isEqual(await outbox.list('due', { clientId, limit: 2 }), latest.slice(0, 2), 'the client’s, two of them')
    isEqual(await outbox.list('dead', { limit: 10 }), [], 'what is dead')
  })

  rule('entries are counted by client and state', async ({ outbox, second, now }) => {
    const { due: one, delivered, dead } = await settled(outbox, now, now)
    await watch(outbox, someEntry(now, { clientId: one.clientId }))
    await watch(outbox, someEntry(now, { clientId: one.clientId }))

    const counts = (await second.counts()).filter(({ count }) => count > 0)
    const texts = counts.map(({ clientId, state, count }) => `${clientId} ${state} ${count}`)
    const expected = [
      `${one.clientId} watching 2`,
      `${one.clientId} due 1`,
      `${delivered.clientId} delivered 1`,
      `${dead.clientId} dead 1`,
    ]
    isEqual(texts.sort(), expected.sort(), 'the counts')
  })

  rule('a dead entry is revived as if it had just ended, and no other', async ({ outbox, second, now }) => {
    const { delivered, dead } = await settled(outbox, now, now)
    const { sessionId, clientId } = dead
    const options = { nextAt: now + 3, limit: 10 }

    isEqual(await second.revive({ sessionId: delivered.sessionId }, options), 0, 'how many of what was delivered')
    isEqual(await second.revive({ sessionId, clientId: delivered.clientId }, options), 0, 'how many of another client')
    isEqual(await second.revive({ sessionId, clientId }, options), 1, 'how many')
    const [revived] = await outbox.list('due', { clientId, limit: 1 })
    isEqual(revived, { ...dead, nextAt: now + 3, dueAt: now + 3, attempts: 0 }, 'what is due again')
    isEqual(await second.revive({ sessionId, clientId }, options), 0, 'how many the second time')
  })

  rule('all of a client’s, or all there are, are revived in steps', async ({ outbox, now }) => {
    const clientId = `client-${someId()}`
    for (let i = 0; i < 5; i++) await due(outbox, now, { clientId })
    await due(outbox, now)
    await outbox.settle((await lease(outbox, now)).map((entry) => settlementOf(entry, { state: 'dead', keepUntil: now })))

    isEqual(await outbox.revive({ clientId }, { nextAt: now, limit: 3 }), 3, 'the first step')
    isEqual(await outbox.revive({ clientId }, { nextAt: now, limit: 3 }), 2, 'the second step')
    isEqual(await outbox.revive({}, { nextAt: now, limit: 3 }), 1, 'what another client has')
    isEqual((await listed(outbox, 'due')).length, 6, 'due')
  })

  rule(
    'what was delivered or given up is removed after its time, in steps, and nothing else',
    async ({ outbox, second, now }) => {
      await settled(outbox, now, now)
      await watch(outbox, someEntry(now))

      isEqual(await outbox.purge({ before: now, limit: 10 }), 0, 'what is removed before')
      isEqual(await second.purge({ before: now + 1, limit: 1 }), 1, 'what is removed first')
      isEqual(await second.purge({ before: now + 1, limit: 10 }), 1, 'what is removed then')
      isEqual([(await listed(outbox, 'due')).length, (await listed(outbox, 'watching')).length], [1, 1], 'due, and watched')
    },
  )

  rule('a client is forgotten in whatever state, in steps, and no other', async ({ outbox, second, now }) => {
    const { due: one, delivered } = await settled(outbox, now, now)
    const { clientId } = one
    for (let i = 0; i < 3; i++) await watch(outbox, someEntry(now, { clientId }))

    isEqual(await second.forget(clientId, { limit: 3 }), 3, 'the first step')
    isEqual(await second.forget(clientId, { limit: 3 }), 1, 'the second step')
    isEqual(namesOf(await listed(outbox, 'delivered')), namesOf([delivered]), 'what another has')
    isEqual(await listed(outbox, 'watching'), [], 'what is watched')
  })
}

export function hostileOutboxSubjectRules(rule: OutboxRule): void {
  for (const [description, subject] of Object.entries(HOSTILE_SUBJECTS)) {
    rule(`a subject ${description} is kept and found like any other`, async ({ outbox, now }) => {
      await watch(outbox, someEntry(now, { subject, nextAt: now + MINUTE }))

      isEqual(await outbox.hasten(subject, now), 1, 'how many are looked at sooner')
      isEqual((await lease(outbox, now, 'watching'))[0]?.subject, subject, 'the subject')
    })
  }

  rule('subjects that differ a little do not meet', async ({ outbox, now }) => {
    for (const [one, other] of NEAR_PAIRS) {
      const entry = await watch(outbox, someEntry(now, { subject: one, nextAt: now + MINUTE }))

      isEqual(await outbox.hasten(other, now), 0, `what ${JSON.stringify(other)} does to ${JSON.stringify(one)}`)
      await outbox.forget(entry.clientId, { limit: 1 })
    }
  })
}

export function outboxRaceRules(rule: OutboxRule): void {
  for (const [name, { rule: sentence, prepare, judge }] of Object.entries(outboxRaces)) {
    rule(sentence, async ({ outbox, now, given }) => {
      const plan = await prepare(outbox, now)
      const reports = await contend(given.worker, name, plan)
      await judge(outbox, plan, reports, undefined as never)
    })
  }
}

export function closingOutboxRules(rule: OutboxRule): void {
  rule('an outbox that is closed says so to every call, and may be closed twice', async ({ outbox, now }) => {
    await outbox.close()
    await outbox.close()

    const entry = someEntry(now)
    const { sessionId, clientId, subject } = entry
    const leased = { ...entry, state: 'due', attempts: 0 } as OutboxEntry
    const calls = {
      watch: () => outbox.watch(entry),
      end: () => outbox.end(sessionId, { endedAt: now, reason: 'logout', nextAt: now }),
      hasten: () => outbox.hasten(subject, now),
      lease: () => lease(outbox, now),
      settle: () => outbox.settle([settlementOf(leased)]),
      list: () => listed(outbox, 'due'),
      counts: () => outbox.counts(),
      revive: () => outbox.revive({}, { nextAt: now, limit: 1 }),
      purge: () => outbox.purge({ before: now, limit: 1 }),
      forget: () => outbox.forget(clientId, { limit: 1 }),
    }
    for (const [name, call] of Object.entries(calls)) {
      const reason = await rejects(call(), name)
      isTrue(isSojournError(reason, 'ERR_STORE_UNAVAILABLE'), `${name} rejects with ERR_STORE_UNAVAILABLE`)
    }
  })
}
