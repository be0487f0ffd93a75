import { memoryStore } from 'sojourn/stores/memory'
import {
  describeChangesContract,
  describeChannelContract,
  describeLedgerContract,
  describeStoreContract,
  type StoreContractOptions,
  type StoreFactory,
} from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import type { Store } from '../../src/core/store.ts'
import * as kit from './broken.ts'
import { changed } from './changed-store.ts'
import { laggingStore } from './lagging-store.ts'
import { tellingStore } from './telling-store.ts'

type Break = (store: Store) => Partial<Store>

/** A memory store with a fault of its own. */
const factoryOf =
  (breakIt: Break): StoreFactory =>
  async () => {
    const store = memoryStore()
    return { store: changed(store, breakIt(store)), close: () => store.close() }
  }

const brokenRules = (breakIt: Break, options: StoreContractOptions = {}, only?: readonly string[]) => {
  const capabilities = { queries: true, ...options.capabilities }
  return kit.brokenRules(describeStoreContract, factoryOf(breakIt), { ...options, capabilities }, only)
}

describe('the store contract finds', () => {
  it('no fault in a store that has none', async () => {
    expect(await brokenRules(() => ({}))).toEqual([])
  })

  it('a create that overwrites', async () => {
    const broken = await brokenRules((store) => ({
      create: async (record, options) => {
        const outcome = await store.create(record, options)
        return outcome.kind === 'exists' ? { kind: 'created', epoch: 0, evicted: [] } : outcome
      },
    }))

    expect(broken).toContain('creating an id twice fails and keeps the first record')
    expect(broken).toContain('a revoked session stays revoked when its id is created again')
  })

  it('an update that ignores the version', async () => {
    const broken = await brokenRules((store) => ({
      update: async (id, _version, changes) => {
        for (;;) {
          const found = await store.read(id)
          if (found?.kind !== 'record') return 'gone'
          if ((await store.update(id, found.record.version, changes)) === 'updated') return 'updated'
        }
      },
    }))

    expect(broken).toContain('of two writers of one version, one wins and the other is told')
    expect(broken).toContain('of twenty writers who retry on conflict, no write is lost')
  })

  it('an update that creates again what was revoked', async () => {
    const broken = await brokenRules((store) => {
      const ended = new Map<string, { body: Uint8Array }>()
      return {
        update: async (id, version, changes) => {
          const outcome = await store.update(id, version, changes)
          if (outcome === 'gone') ended.set(id, changes)
          return 'updated'
        },
      }
    })

    expect(broken).toContain('a revoked session stays revoked when a slow request finishes')
    expect(broken).toContain('an update never creates')
  })

  it('a revocation that leaves no tombstone', async () => {
    const broken = await brokenRules((store) => ({
      revoke: async (id, options) => {
        const outcome = await store.read(id)
        if (outcome?.kind !== 'record') return false
        const { deadline, absoluteDeadline } = outcome.record
        await store.update(id, outcome.record.version, { deadline: 0, absoluteDeadline, body: new Uint8Array(0) })
        await store.purge({ before: Math.min(options.now - 1, deadline), limit: 1 })
        return true
      },
    }))

    expect(broken).toContain('a revoked session reads as a tombstone that holds no data')
    expect(broken).toContain('a revoked session stays revoked when its id is created again')
  })

  it('a subject that is ended one session at a time without raising its epoch', async () => {
    const broken = await brokenRules((store) => ({
      revokeSubject: async (subject, { now, reason, except }) => {
        const records = await store.list(subject)
        const others = records.filter(({ id }) => id !== except)
        for (const { id } of others) await store.revoke(id, { now, reason })
        return others.length
      },
    }))

    expect(broken).toContain('a session created after its subject was ended is alive, under a higher epoch')
  })

  it('a limit that is counted before the create instead of with it', async () => {
    const broken = await brokenRules((store) => ({
      create: async (record, { limit, ...options }) => {
        const present = record.subject === undefined ? [] : await store.list(record.subject)
        if (limit?.onExceeded === 'reject' && present.length >= limit.max) return { kind: 'limit' }
        return store.create(record, options)
      },
    }))

    expect(broken).toContain('parallel creates never exceed a limit that rejects')
    expect(broken).toContain('a session over the limit evicts the oldest, which reads as a tombstone')
  })

  it('a purge that takes tombstones with the records', async () => {
    const broken = await brokenRules((store) => ({
      purge: (options) => store.purge({ ...options, before: options.before + 24 * 3_600_000 }),
    }))

    expect(broken).toContain('purge keeps a tombstone until its absolute deadline, whatever its idle deadline was')
    expect(broken).toContain('purge removes records past their deadline and leaves the others')
  })

  it('a store that keeps the caller’s own bytes', async () => {
    const broken = await brokenRules((store) => {
      const bodies = new Map<string, Uint8Array>()
      return {
        update: (id, version, changes) => {
          bodies.set(id, changes.body)
          return store.update(id, version, changes)
        },
        read: async (id, options) => {
          const outcome = await store.read(id, options)
          const body = bodies.get(id)
          return outcome?.kind === 'record' && body ? { ...outcome, record: { ...outcome.record, body } } : outcome
        },
      }
    })

    expect(broken).toContain('changing the bytes handed in afterwards changes nothing that is kept')
  })

  it('subjects that are cut at NUL', async () => {
    const cut = (subject: string) => subject.split('\0')[0]!
    const broken = await brokenRules((store) => ({
      create: (record, options) =>
        store.create({ ...record, subject: record.subject === undefined ? undefined : cut(record.subject) }, options),
      list: (subject) => store.list(cut(subject)),
      revokeSubject: (subject, options) => store.revokeSubject(cut(subject), options),
    }))

    expect(broken).toContain('a subject with NUL is kept, listed and ended like any other')
    expect(broken).toContain('subjects that differ a little do not meet')
  })

  it('an outage that is passed off as absence', async () => {
    const broken = await brokenRules((store) => ({
      read: async (id, options) => Promise.resolve(store.read(id, options)).catch(() => undefined),
    }))

    expect(broken).toContain('a caller who has stopped waiting gets a rejection, and the store goes on')
  })

  it('a store that lists no subjects although it is tested as one that does', async () => {
    const broken = await brokenRules((store) => ({ capabilities: { ...store.capabilities, listsSubjects: false } }))

    expect(broken).toContain('the store reports the capabilities it is tested for')
  })

  it('a store on a network that tests neither races nor faults, and does not say why', async () => {
    const remote: Break = (store) => ({ capabilities: { ...store.capabilities, isLocal: false } })
    const rules = [
      'races between processes are tested, unless the store is local',
      'faults of the network are tested, unless the store is local',
    ]
    const excuse = 'not tested because its engine has no network of its own'

    expect(await brokenRules(remote, {}, rules)).toEqual(rules)
    expect(await brokenRules(remote, { processes: excuse, network: excuse }, [excuse])).toEqual([])
    expect(await brokenRules(remote, { network: 'not tested because ?' }, ['not tested'])).toEqual([
      'faults of the network: not tested because ?',
    ])
  })

  it('a store that answers what it cannot know with "none"', async () => {
    const listing = await brokenRules(
      (store) => ({ capabilities: { ...store.capabilities, listsSubjects: false }, list: async () => [] }),
      { capabilities: { listsSubjects: false } },
    )
    const ending = await brokenRules(
      (store) => ({ capabilities: { ...store.capabilities, revokesSubjects: false }, revokeSubject: async () => 0 }),
      { capabilities: { revokesSubjects: false } },
    )

    expect(listing).toContain('a store that lists no subjects says so when asked, instead of "none"')
    expect(listing).toContain('ending a subject ends every session of it and tells how many')
    const severing = await brokenRules(
      (store) => ({ capabilities: { ...store.capabilities, revokesLinked: false }, revokeLinked: async () => [] }),
      { capabilities: { revokesLinked: false } },
    )

    const searching = await brokenRules(
      (store) => ({
        capabilities: { ...store.capabilities, queries: false },
        query: async () => ({ rows: [], next: undefined }),
      }),
      { capabilities: { queries: false } },
    )

    expect(searching).toEqual(['a store that cannot search says so when it is asked to'])
    expect(ending).toEqual(['a store that ends no subjects says so when asked, and ends nothing'])
    expect(severing).toEqual(['a store that knows no logins says so when it is asked to end one'])
  })

  it('a search that goes by position, by pattern, or forgets what it was asked', async () => {
    const positional = await brokenRules((store) => ({
      query: async (filter, options) => {
        const { rows } = await store.query!(filter, { ...options, cursor: undefined, limit: 500 })
        const from = options.cursor === undefined ? 0 : Number(options.cursor)
        const page = rows.slice(from, from + options.limit)
        return { rows: page, next: rows.length > from + options.limit ? String(from + options.limit) : undefined }
      },
    }))
    const likely = await brokenRules((store) => ({
      query: async ({ subjectPrefix, ...filter }, options) => {
        const found = await store.query!(filter, options)
        if (subjectPrefix === undefined) return found
        const pattern = new RegExp(
          `^${subjectPrefix
            .replace(/[[\]\\*]/g, '.')
            .replaceAll('%', '.*')
            .replaceAll('_', '.')}`,
          'isu',
        )
        const subjectOf = (row: (typeof found.rows)[number]) => (row.kind === 'record' ? row.record : row.tombstone).subject
        return { ...found, rows: found.rows.filter((row) => pattern.test(subjectOf(row) ?? '')) }
      },
    }))
    const lax = await brokenRules((store) => ({
      query: (filter, options) => store.query!({ ...filter, state: filter.state === 'expired' ? 'all' : filter.state }, options),
      count: async (filter, options) => ({ ...(await store.count!(filter, options)), isAtLeast: false }),
    }))
    const twice = await brokenRules((store) => ({
      query: async (filter, options) => {
        const found = await store.query!(filter, { ...options, limit: Math.max(1, options.limit - 1) })
        return options.limit > 1 && options.cursor !== undefined && found.rows[0]
          ? { ...found, rows: [found.rows[0], ...found.rows] }
          : found
      },
    }))

    expect(positional).toContain(
      'between two pages others write: no row comes twice, and none is missed that was there all the time',
    )
    expect(positional).toContain('a cursor of another order, or of nobody, is refused')
    expect(likely).toContain('a prefix means its characters and nothing else')
    expect(lax).toContain('a state finds what is in it, to the millisecond')
    expect(lax).toContain('a count is exact as far as it goes, and says when there may be more')
    expect(twice).toContain('sessions of one instant are given once each, in an order that stays, newest first')
  })

  it('logins that end without being remembered, whatever their instant, or by one of their names only', async () => {
    const longAgo = { keepUntil: 0, at: 0 }
    const forgetful = await brokenRules((store) => ({
      create: (record, options) =>
        store.create(record, { ...options, link: options.link && { ...options.link, at: Number.MAX_VALUE } }),
      revokeLinked: (key, options) => store.revokeLinked!(key, { ...options, ...longAgo, at: Number.MAX_VALUE }),
    }))
    const timeless = await brokenRules((store) => ({
      revokeLinked: (key, options) => store.revokeLinked!(key, { ...options, at: options.at + 86_400_000 }),
    }))
    const nameless = await brokenRules((store) => ({
      create: ({ ...record }, { link, ...options }) =>
        store.create(record, { ...options, ...(link && { link: { ...link, keys: link.keys.slice(0, 1) } }) }),
    }))

    expect(forgetful).toContain('a later login is let in after a logout, and so is another')
    expect(timeless).toContain('a logout spares the session of a later login, and ends that of the same moment')
    expect(nameless).toContain('a session is found by each of its keys')
    expect(nameless).toContain('a session whose login ended before it was written is refused, and nothing else changes')
  })

  it('a sign-in that looks for the end of its login first and writes afterwards', async () => {
    const broken = await brokenRules((store) => ({
      create: async (record, { link, ...options }) => {
        if (link === undefined) return store.create(record, options)
        const probe = await store.create({ ...record, id: `${record.id.slice(0, -2)}-w` }, { ...options, link })
        if (probe.kind !== 'created') return probe
        await new Promise((resolve) => setTimeout(resolve, 5))
        return store.create(record, options)
      },
    }))

    expect(broken).toContain('a session created while its login ends is dead or refused')
  })

  it('an engine that forgets by itself what still lives, or never forgets', async () => {
    const purgesItself = { capabilities: { purgesItself: true } }
    const claims: Break = (store) => ({ capabilities: { ...store.capabilities, purgesItself: true } })
    const early = await brokenRules(
      (store) => ({
        ...claims(store),
        purge: async () => (await store.purge({ before: Number.MAX_SAFE_INTEGER, limit: 10_000 })) * 0,
      }),
      purgesItself,
      ['purge has nothing to do', 'purge keeps a tombstone'],
    )
    const never = await brokenRules((store) => ({ ...claims(store), purge: async () => 0 }), purgesItself, [
      'the index of a subject forgets in the end what is long past its deadline',
      'a record long past its deadline',
    ])
    const resurrecting = await brokenRules(
      (store) => ({
        ...claims(store),
        update: async (id, version, changes) => {
          const outcome = await store.update(id, version, { ...changes, deadline: changes.deadline + 1e9 })
          return outcome === 'gone' ? 'updated' : outcome
        },
      }),
      purgesItself,
      ['a record long past its deadline'],
    )

    expect(early).toHaveLength(2)
    expect(never).toEqual(['the index of a subject forgets in the end what is long past its deadline'])
    expect(resurrecting).toHaveLength(1)
  })

  it('an engine that goes by its own clock', async () => {
    const broken = await brokenRules(
      (store) => ({
        read: async (id) => {
          const found = await store.read(id)
          return found?.kind === 'record' && found.record.deadline < Date.now() ? undefined : found
        },
        ledger: changed(store.ledger, {
          claim: (key, options) => store.ledger.claim(key, { ...options, now: Date.now() }),
          get: (key) => store.ledger.get(key, { now: Date.now() }),
        }),
      }),
      {},
      ['one node is five minutes behind'],
    )

    expect(broken).toEqual([
      'what lives for the slow node is there, although it is over for the fast one (one node is five minutes behind)',
      'a claim of one node holds for the other, and to its deadline for itself (one node is five minutes behind)',
      'a value of the slow node can be read until its deadline, and is taken once (one node is five minutes behind)',
    ])
  })

  it('a purge without a margin, an epoch that is the time, a limit that evicts the newest and a count that waits for the clock', async () => {
    const broken = await brokenRules(
      (store) => {
        const ends = new Map<string, number>()
        const frozen = new Map<string, number>()
        return {
          purge: ({ before, limit }) => store.purge({ before: before + 86_400_000, limit }),
          revokeSubject: async (subject, options) => {
            const isLater = options.now > (ends.get(subject) ?? 0)
            ends.set(subject, Math.max(options.now, ends.get(subject) ?? 0))
            return isLater ? store.revokeSubject(subject, options) : 0
          },
          create: async (record, options) => {
            const outcome = await store.create(record, options)
            const [oldest] = record.subject === undefined ? [] : await store.list(record.subject)
            if (outcome.kind !== 'created' || outcome.evicted.length === 0 || oldest?.id !== record.id) return outcome
            await store.revoke(record.id, { now: options.now, reason: 'evicted' })
            return outcome
          },
          ledger: changed(store.ledger, {
            count: async (key, { now, window }) => {
              if (now < (frozen.get(key) ?? 0)) return 1
              frozen.set(key, now)
              return store.ledger.count(key, { now, window })
            },
          }),
        }
      },
      {},
      ['five minutes ahead'],
    )

    expect(broken.map((rule) => rule.replace(' (one node is five minutes ahead)', ''))).toEqual([
      'what lives for the slow node is there, although it is over for the fast one',
      'what the fast node ended stays ended for the slow one',
      'each end of a subject ends what was there, whichever node was last',
      'the list holds the sessions of both nodes',
      'a limit holds over both nodes, and the new session is never the one evicted',
      'counts of both nodes add up, and a clock that runs ahead does not freeze them',
    ])
  })

  it('bytes and reasons that pass through text', async () => {
    const asText = (body: Uint8Array) => Buffer.from(Buffer.from(body).toString('utf8'))
    const broken = await brokenRules(
      (store) => ({
        create: (record, options) => store.create({ ...record, body: asText(record.body) }, options),
        revoke: (id, options) => store.revoke(id, { ...options, reason: options.reason.trim().split('\r')[0]! }),
      }),
      {},
      ['a body of invalid UTF-8', 'a body of line ends', 'a reason is kept as it was given'],
    )

    expect(broken).toEqual(['a body of invalid UTF-8 is kept byte for byte', 'a reason is kept as it was given'])
  })
})

describe('the rules about replicas find', () => {
  const RULES = [
    'a write based on what a replica',
    'no write through a replica',
    'a revocation through',
    'a limit holds although',
    'was claimed or taken',
  ]
  const brokenReplica = (breakIt: (primary: Store, snapshot: () => Store) => Partial<Store> = () => ({})) => {
    const factory: StoreFactory = async () => {
      const store = memoryStore()
      return { store, openStale: async () => laggingStore(store, breakIt), close: () => store.close() }
    }
    return kit.brokenRules(describeStoreContract, factory, { replicas: 'tested' }, RULES)
  }

  it('no fault in a handle that writes to the primary, nor in one that refuses to write', async () => {
    const refuse = async () => {
      throw new StoreError('This is a replica.', { code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    }
    const refusing = { create: refuse, update: refuse, revoke: refuse, revokeSubject: refuse }

    expect(await brokenReplica()).toEqual([])
    expect(
      await brokenReplica(({ ledger }) => ({ ...refusing, ledger: changed(ledger, { claim: refuse, take: refuse }) })),
    ).toEqual([])
  })

  it('writes that are judged by what the replica knows', async () => {
    const broken = await brokenReplica((primary, snapshot) => ({
      update: async (id, version, changes) => {
        const outcome = await snapshot().update(id, version, changes)
        const found = await primary.read(id)
        if (outcome === 'updated' && found?.kind === 'record') await primary.update(id, found.record.version, changes)
        return outcome
      },
      create: async (record, { limit: _, ...options }) => {
        const outcome = await snapshot().create(record, options)
        if (outcome.kind === 'created') await primary.create(record, { now: options.now })
        return outcome
      },
      revoke: (id, options) => snapshot().revoke(id, options),
      ledger: changed(primary.ledger, {
        claim: (key, options) => snapshot().ledger.claim(key, options),
        take: (key, options) => snapshot().ledger.take(key, options),
      }),
    }))

    expect(broken).toEqual([
      'a write based on what a replica still shows is refused, and harms nothing',
      'no write through a replica brings back what was revoked',
      'no write through a replica brings back a session of an ended subject',
      'a revocation through a replica ends the session on the primary, or is refused',
      'a limit holds although a replica does not know the latest sessions',
      'what was claimed or taken is not given again through a replica',
    ])
  })
})

describe('the changes contract finds', () => {
  const brokenChanges = (options: Parameters<typeof tellingStore>[1] = {}, only?: readonly string[]) => {
    const factory: StoreFactory = async () => {
      const memory = memoryStore()
      const engine = tellingStore(memory, options)
      return { store: engine.open(), openSecond: async () => engine.open(), close: () => memory.close() }
    }
    return kit.brokenRules(describeChangesContract, factory, {}, only)
  }

  it('no fault in a store that tells everything', async () => {
    expect(await brokenChanges()).toEqual([])
  })

  it('a store that tells nothing of one kind of change', async () => {
    const rules = {
      update: 'an update is told to the listeners of every handle',
      revoke: 'a revocation is told to the listeners of every handle',
      replace: 'a session that is replaced is told of',
      evict: 'a session that is evicted by a limit is told of',
      revokeSubject: 'the end of a subject is told under its key, which names nobody',
      revokeLinked: 'a session whose login ended at the provider is told of',
    } as const
    const kinds = Object.keys(rules) as (keyof typeof rules)[]

    const broken = await Promise.all(kinds.map((silentAbout) => brokenChanges({ silentAbout }, [rules[silentAbout]])))

    expect(broken.flat()).toEqual(Object.values(rules))
  })

  it('a store that goes on telling those who left, or stops when a listener throws', async () => {
    expect(await brokenChanges({ keepsThoseWhoLeft: true })).toEqual(['who has left hears nothing more, and may leave twice'])
    expect(await brokenChanges({ stopsAtThrowing: true })).toEqual([
      'a listener that throws harms neither the writer nor the other listeners',
    ])
  })

  it('a store that has no changes to offer', async () => {
    const broken = await kit.brokenRules(
      describeChangesContract,
      factoryOf(() => ({})),
    )

    expect(broken.length).toBeGreaterThan(5)
  })
})

describe('the contracts of ledger and channel find', () => {
  it('a get that takes, that forgets deadlines, or that remembers what it read', async () => {
    const brokenGet = (get: (store: Store) => Store['ledger']['get']) =>
      kit.brokenRules(
        describeLedgerContract,
        factoryOf((store) => ({ ledger: changed(store.ledger, { get: get(store) }) })),
      )
    const remembered = new Map<string, Uint8Array | undefined>()

    const taking = await brokenGet(
      ({ ledger }) =>
        (key, options) =>
          ledger.take(key, options),
    )
    const outdated = await brokenGet(
      ({ ledger }) =>
        (key) =>
          ledger.get(key, { now: 0 }),
    )
    const remembering = await brokenGet(({ ledger }) => async (key, options) => {
      if (!remembered.has(key)) remembered.set(key, await ledger.get(key, options))
      return remembered.get(key)
    })

    expect(taking).toContain('what was put can be read by everyone, and is still there to be taken once')
    expect(outdated).toContain('an outdated value is not read, and a key without value reads as absent')
    expect(remembering).toContain('reading sees what another handle put last')
  })

  it('keys and topics that are trimmed', async () => {
    const ledger = await kit.brokenRules(
      describeLedgerContract,
      factoryOf((store) => ({
        ledger: changed(store.ledger, {
          count: (key, options) => store.ledger.count(key.split('\0')[0]!, options),
          put: (key, value, options) => store.ledger.put(key.slice(0, 500), value, options),
          get: (key, options) => store.ledger.get(key.slice(0, 500), options),
          take: (key, options) => store.ledger.take(key.slice(0, 500), options),
        }),
      })),
    )
    const channel = await kit.brokenRules(
      describeChannelContract,
      factoryOf((store) => ({
        channel: changed(store.channel, {
          publish: (topic, message) => store.channel.publish(topic.trim(), message.slice(0, 4000)),
          subscribe: (topic, listener) => store.channel.subscribe(topic.trim(), listener),
        }),
      })),
    )

    expect(ledger).toContain('keys that differ a little are counted apart')
    expect(ledger).toContain('values under keys that differ a little do not meet')
    expect(channel).toContain('topics that differ a little do not meet')
    expect(channel).toContain('hostile messages arrive unchanged, none of no characters and one of 4 KiB included')
  })

  it('a store without a channel that takes messages nobody will get', async () => {
    const options = { capabilities: { hasChannel: false } }

    expect(
      await kit.brokenRules(
        describeChannelContract,
        factoryOf(() => ({})),
        options,
      ),
    ).toEqual(['a store without a channel says so to publishers and subscribers'])
  })
})
