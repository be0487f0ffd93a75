/** A process whose factor store has one fault between processes, named by CONTRACT_BROKEN: it looks first and writes afterwards. */
import { setTimeout as pause } from 'node:timers/promises'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import type { FactorStore } from '../../src/stepup/factor-store.ts'
import { changed } from './changed-store.ts'

/** What every one of these faults has: time between the look and the write. */
const meanwhile = () => pause(2)

const faults: Readonly<Record<string, (store: FactorStore) => Partial<FactorStore>>> = {
  'add counts before': (store) => ({
    add: async (factor, { most }) => {
      const present = await store.list(factor.subject)
      await meanwhile()
      return present.length >= most ? 'full' : store.add(factor, { most: 1000 })
    },
  }),
  'add looks for the handle before': (store) => ({
    add: async (factor, options) => {
      if (await store.byHandle(factor.kind, factor.handle!)) return 'taken'
      await meanwhile()
      await store.add(factor, options)
      return 'added'
    },
  }),
  'remove looks before': (store) => ({
    remove: async (subject, id) => {
      const isThere = (await store.list(subject)).some((factor) => factor.id === id)
      await meanwhile()
      await store.remove(subject, id)
      return isThere
    },
  }),
  'update ignores the version': (store) => ({
    update: async (subject, id, _version, changes) => {
      const [present] = await store.list(subject)
      return store.update(subject, id, present!.version, changes)
    },
  }),
}

export async function openStore(): Promise<FactorStore> {
  const store = sqliteFactorStore(process.env.CONTRACT_FACTORS_FILE!)
  return changed(store, faults[process.env.CONTRACT_BROKEN!]!(store))
}
