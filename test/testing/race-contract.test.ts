import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { describeStoreContract, type StoreFactory } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { brokenRules } from './broken.ts'

/** Which of these races a store loses whose other processes have a fault. */
function lost(fault: string, races: readonly string[]): Promise<string[]> {
  const factory: StoreFactory = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    const file = join(folder, 'sessions.db')
    const store = sqliteStore(file)
    const close = async () => {
      await store.close()
      await rm(folder, { recursive: true })
    }
    const worker = {
      module: new URL('broken-worker.ts', import.meta.url),
      env: { CONTRACT_SQLITE_FILE: file, CONTRACT_BROKEN: fault },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    }
    return { store, worker, close }
  }
  return brokenRules(describeStoreContract, factory, { processes: 'tested' }, races)
}

const REJECTS = 'processes that create at once never exceed a limit that rejects'
const EVICTS = 'processes that create at once never exceed a limit that evicts, and evict each session once'

describe('the races between processes find', () => {
  it.each([
    [
      'update ignores the version',
      ['of writers in several processes none loses an update, and every update has a version of its own'],
    ],
    [
      'update ignores the version',
      ['of processes that write at one version, exactly one is acknowledged and the others are told'],
    ],
    ['create overwrites', ['of processes that create one id, exactly one is acknowledged, and its record is kept']],
    ['update creates again', ['what one process ends, no request of another brings back']],
    [
      'a subject is ended one session at a time',
      ['a session created while another process ends its subject is counted, dead, or younger than the end'],
    ],
    ['replacing is two steps', ['of processes that replace one session, exactly one succeeds, and it is replaced once']],
    ['a limit is counted before', [REJECTS, EVICTS]],
    ['a claim is looked for before', ['a claim is true in exactly one process']],
    ['a value is read and then deleted', ['a value is given to exactly one process']],
    ['a count is read and then written', ['processes that count together skip no number and give none twice']],
  ])('that %s', async (fault, races) => {
    expect(await lost(fault, races)).toEqual(races)
  })

  it('no fault in a store that has none', async () => {
    expect(await lost('none', [REJECTS, EVICTS, 'none loses an update', 'is true in exactly one process'])).toEqual([])
  })

  it('that a factory which promises them gives no worker', async () => {
    const factory: StoreFactory = async () => {
      const store = sqliteStore(':memory:')
      return { store, close: () => store.close() }
    }

    expect(await brokenRules(describeStoreContract, factory, { processes: 'tested' }, [REJECTS])).toEqual([REJECTS])
  })
})
