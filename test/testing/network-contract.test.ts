import { memoryStore } from 'sojourn/stores/memory'
import { describeStoreContract, type StoreFactory } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { brokenRules } from './broken.ts'
import { changed } from './changed-store.ts'
import { type Carelessness, remoteStore } from './remote/client.ts'
import { serve } from './remote/serve.ts'

const LOST = 'reply was lost'
const SILENT = 'a server that falls silent keeps nobody longer than they wait, and the handle works afterwards'
const NEXT = 'an answer that comes when its caller has left is not given to the next caller'
const UNREACHABLE = 'a server that cannot be reached is a typed fault, never "there is no session"'
const PARALLEL = 'connections that break under parallel reads never make a session absent'
const WRITER = 'a writer whose connections break again and again loses nothing that was acknowledged'
const ALL = [LOST, SILENT, NEXT, UNREACHABLE, PARALLEL, WRITER]

/** Which rules about the network a remote store breaks whose client is careless, or whose server or handle is changed. */
function broken(
  only: readonly string[],
  careless: Carelessness = {},
  change: { readonly engine?: (store: Store) => Store; readonly handle?: (store: Store) => Store } = {},
): Promise<string[]> {
  const { engine = (store) => store, handle = (store) => store } = change
  const factory: StoreFactory = async () => {
    const memory = memoryStore()
    const capabilities = { ...memory.capabilities, revokesLinked: false }
    const server = await serve(engine(memory))
    const handles = [remoteStore(server.port, capabilities)]
    const openThrough = async (port: number) => {
      const through = remoteStore(port, capabilities, careless)
      handles.push(through)
      return handle(through)
    }
    const close = async () => {
      for (const one of handles) await one.close()
      await server.stop()
    }
    return { store: handles[0]!, network: { server, openThrough }, close }
  }
  const options = {
    capabilities: { hasChannel: false, revokesLinked: false },
    network: 'tested',
    processes: 'not tested because the engine ends with its test',
  } as const
  return brokenRules(describeStoreContract, factory, options, only)
}

describe('the rules about a network that fails find', () => {
  it('no fault in a client that has none', async () => {
    expect(await broken(ALL)).toEqual([])
  })

  it('a client that waits for its server whatever its caller says', async () => {
    expect(await broken([SILENT], { hangs: true })).toEqual([SILENT])
  })

  it('a client that passes a fault off as absence', async () => {
    expect(await broken([UNREACHABLE, PARALLEL], { faultsAreAbsence: true })).toEqual([UNREACHABLE, PARALLEL])
  })

  it('a client that gives an answer to the wrong caller', async () => {
    expect(await broken([NEXT], { answersInOrder: true })).toEqual([NEXT])
  })

  it('a client that throws what its socket throws', async () => {
    expect(await broken([UNREACHABLE], { throwsAnything: true })).toEqual([UNREACHABLE])
  })

  it('a client that never connects again', async () => {
    const rule = 'a revocation whose reply was lost has ended the session or not, and asking again ends it'
    expect(await broken([rule], { neverReconnects: true })).toEqual([rule])
  }, 40_000)

  it('a client that answers before its server does', async () => {
    const rules = [
      'a create whose reply was lost happened or not, and asking again says which',
      'a revocation whose reply was lost has ended the session or not, and asking again ends it',
    ]
    const handle = (store: Store) =>
      changed(store, {
        create: async (record, options) => {
          setTimeout(() => store.create(record, options).catch(() => {}), 3000)
          return { kind: 'created', epoch: 0, evicted: [] }
        },
        revoke: async () => true,
      })

    expect(await broken(rules, {}, { handle })).toEqual(rules)
  })

  it('an end of a subject that is many steps, and a replacement that is two', async () => {
    const rules = [
      'an end of a subject whose reply was lost has ended all of its sessions or none',
      'a replacement whose reply was lost never leaves both sessions alive',
    ]
    const handle = (store: Store) =>
      changed(store, {
        revokeSubject: async (subject, options) => {
          const records = await store.list(subject, options)
          for (const { id } of records) await store.revoke(id, options)
          return records.length
        },
        create: async (record, { replaces, ...options }) => {
          const outcome = await store.create(record, options)
          if (replaces) await store.revoke(replaces.id, { ...options, reason: replaces.reason })
          return outcome
        },
      })

    expect(await broken(rules, {}, { handle })).toEqual(rules)
  })

  it('an update that is two steps, and one that is sent again without its version', async () => {
    const rule = 'an update whose reply was lost happened wholly or not at all, and once'
    const inSteps = (store: Store) =>
      changed(store, {
        update: async (id, version, changes, options) => {
          const found = await store.read(id, options)
          if (found?.kind !== 'record') return 'gone'
          const deadlines = { deadline: changes.deadline, absoluteDeadline: changes.absoluteDeadline, body: found.record.body }
          const first = await store.update(id, version, deadlines, options)
          return first === 'updated' ? store.update(id, version + 1, changes, options) : first
        },
      })
    const again = (store: Store) =>
      changed(store, {
        update: (id, version, changes, options) =>
          store.update(id, version, changes, options).catch(() => store.update(id, version + 1, changes, options)),
      })

    expect(await broken([rule], {}, { handle: inSteps })).toEqual([rule])
    expect(await broken([rule], {}, { handle: again })).toEqual([rule])
  })

  it('a claim that is asked for again as if it were new', async () => {
    const rule = 'a claim or value whose reply was lost is never given twice'
    const engine = (store: Store) => {
      const given = new Map<string, number>()
      const claim = async (key: string) => {
        const times = (given.get(key) ?? 0) + 1
        given.set(key, times)
        return times !== 2
      }
      return changed(store, { ledger: changed(store.ledger, { claim }) })
    }

    expect(await broken([rule], {}, { engine })).toEqual([rule])
  })

  it('a writer that is told "updated" whatever happened', async () => {
    const handle = (store: Store) =>
      changed(store, { update: (...given) => store.update(...given).catch(() => 'updated' as const) })

    expect(await broken([WRITER], {}, { handle })).toEqual([WRITER])
  })
})
