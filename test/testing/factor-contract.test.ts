import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { describeFactorStoreContract, type FactorStoreFactory, type TestRunner } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import type { FactorStore, StoredFactor } from '../../src/stepup/factor-store.ts'
import { brokenRules } from './broken.ts'
import { changed } from './changed-store.ts'

const inOneProcess = { processes: 'not tested because it lives in one process' } as const
const contract = (name: string, factory: FactorStoreFactory, runner: TestRunner, options: { processes?: 'tested' } = {}) =>
  describeFactorStoreContract(name, factory, runner, { ...inOneProcess, ...options })

/** Which rules a memory store breaks that has a fault of its own. */
const broken = (breakIt: (store: FactorStore) => Partial<FactorStore>) =>
  brokenRules(contract, async () => {
    const store = memoryFactorStore()
    return { store: changed(store, breakIt(store)), close: () => store.close() }
  })

/** What a store does that looks first, and writes when others have had a turn. */
const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 1))

describe('the contract of factor stores finds', () => {
  it('no fault in a store that has none', async () => {
    expect(await broken(() => ({}))).toEqual([])
  })

  it('a handle that is compared loosely', async () => {
    const folded = (text: string) => text.toLowerCase().trim()
    const rules = await broken((store) => {
      const handles = new Map<string, string>()
      return {
        add: (factor, options) => {
          if (factor.handle !== undefined) handles.set(folded(factor.handle), factor.handle)
          return store.add(factor, options)
        },
        byHandle: (kind, handle) => store.byHandle(kind, handles.get(folded(handle)) ?? handle),
      }
    })

    expect(rules).toEqual(['a handle is compared exactly'])
  })

  it('a handle that is found whatever its kind', async () => {
    const rules = await broken((store) => ({
      byHandle: async (_kind, handle) => (await store.byHandle('passkey', handle)) ?? store.byHandle('totp', handle),
    }))

    expect(rules).toEqual(['a factor is found by its kind and handle, whoever asks'])
  })

  it('counting and adding in two steps', async () => {
    const rules = await broken((store) => ({
      add: async (factor, { most }) => {
        const present = (await store.list(factor.subject)).filter(({ kind }) => kind === factor.kind)
        await meanwhile()
        return present.length >= most ? 'full' : store.add(factor, { most: Number.POSITIVE_INFINITY })
      },
    }))

    expect(rules).toContain('of many who add at once, exactly as many as fit are added')
  })

  it('a limit that counts every kind', async () => {
    const rules = await broken((store) => ({
      add: async (factor, { most }) => ((await store.list(factor.subject)).length >= most ? 'full' : store.add(factor, { most })),
    }))

    expect(rules).toContain('a subject that has as many of a kind as it may is full, and nothing changes')
  })

  it('an add that overwrites', async () => {
    const rules = await broken((store) => ({
      add: async (factor, options) => {
        if ((await store.add(factor, options)) === 'full') return 'full'
        await store.remove(factor.subject, factor.id)
        await store.add(factor, options)
        return 'added'
      },
    }))

    expect(rules).toContain('an id is taken once, whoever comes second')
    expect(rules).toContain('a handle is taken once among its kind, whoever comes second')
  })

  it('an update that ignores the version', async () => {
    const rules = await broken((store) => ({
      update: async (subject, id, _version, changes) => {
        for (;;) {
          const present = (await store.list(subject)).find((factor) => factor.id === id)
          if (present === undefined) return 'gone'
          if ((await store.update(subject, id, present.version, changes)) === 'updated') return 'updated'
        }
      },
    }))

    expect(rules).toEqual([
      'an update at another version is told so and changes nothing',
      'of many who update one version, exactly one does',
    ])
  })

  it('an update and a removal that ask for no subject', async () => {
    const rules = await broken((store) => {
      const subjects = new Map<string, string>()
      return {
        add: (factor, options) => {
          subjects.set(factor.id, factor.subject)
          return store.add(factor, options)
        },
        update: (subject, id, version, changes) => store.update(subjects.get(id) ?? subject, id, version, changes),
        remove: (subject, id) => store.remove(subjects.get(id) ?? subject, id),
      }
    })

    expect(rules).toEqual(['nobody changes or removes another subject’s factor', 'subjects that differ a little do not meet'])
  })

  it('an update that creates', async () => {
    const rules = await broken((store) => {
      const removed = new Map<string, StoredFactor>()
      return {
        remove: async (subject, id) => {
          for (const factor of await store.list(subject)) if (factor.id === id) removed.set(id, factor)
          return store.remove(subject, id)
        },
        update: async (subject, id, version, changes) => {
          const outcome = await store.update(subject, id, version, changes)
          const factor = removed.get(id)
          if (outcome !== 'gone' || factor === undefined) return outcome
          await store.add(factor, { most: 100 })
          return 'updated'
        },
      }
    })

    expect(rules).toEqual(['an update never creates, and never brings back what was removed'])
  })

  it('a removal that looks first', async () => {
    const rules = await broken((store) => ({
      remove: async (subject, id) => {
        const isThere = (await store.list(subject)).some((factor) => factor.id === id)
        await meanwhile()
        await store.remove(subject, id)
        return isThere
      },
    }))

    expect(rules).toContain('of many who remove one factor, exactly one is told that it did')
  })

  it('subjects that are cut at a NUL', async () => {
    const cut = (subject: string) => subject.replace(/\0.*/s, '')
    const rules = await broken((store) => ({
      list: (subject) => store.list(cut(subject)),
      add: (factor, options) => store.add({ ...factor, subject: cut(factor.subject) }, options),
      update: (subject, ...rest) => store.update(cut(subject), ...rest),
      remove: (subject, id) => store.remove(cut(subject), id),
      removeAll: (subject, kind) => store.removeAll(cut(subject), kind),
    }))

    expect(rules).toContain('a subject with NUL has factors like any other')
    expect(rules).toContain('subjects that differ a little do not meet')
  })

  it('bytes and lists that are handed out as they are kept', async () => {
    const rules = await broken((store) => {
      const given = new Map<string, Uint8Array>()
      return {
        add: (factor, options) => {
          given.set(factor.id, factor.sealed)
          return store.add(factor, options)
        },
        list: async (subject) =>
          (await store.list(subject)).map((factor) => ({
            ...factor,
            sealed: factor.version > 1 ? factor.sealed : given.get(factor.id)!,
          })),
      }
    })

    expect(rules).toEqual(['what a caller does to bytes it gave or got changes nothing that is kept'])
  })

  it('a closed store that answers', async () => {
    expect(await broken(() => ({ close: async () => {} }))).toEqual([
      'a store that is closed says so to every call, and may be closed twice',
    ])
  })
})

describe('the races between processes find', () => {
  it.each([
    ['add counts before', 'of processes that add, no subject has more factors of a kind than it may'],
    [
      'add looks for the handle before',
      'of processes that add one handle, exactly one is told that it was added, and its factor is kept',
    ],
    ['remove looks before', 'of processes that remove one factor, exactly one is told that it did'],
    ['update ignores the version', 'of processes that update one factor none loses an update'],
  ])('a store whose %s', async (fault, rule) => {
    const factory: FactorStoreFactory = async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
      const file = join(folder, 'factors.db')
      const store = sqliteFactorStore(file)
      const close = async () => {
        await store.close()
        await rm(folder, { recursive: true })
      }
      const worker = {
        module: new URL('broken-factor-worker.ts', import.meta.url),
        env: { CONTRACT_FACTORS_FILE: file, CONTRACT_BROKEN: fault },
        execArgv: ['--conditions=sojourn-source', '--no-warnings'],
      }
      return { store, worker, close }
    }

    expect(await brokenRules(contract, factory, { processes: 'tested' }, [rule])).toEqual([rule])
  })
})
