/**
 * The thread of `background.ts`: one handle on the file, which purges and moves the write-ahead log into it. Both wait for the
 * disk for tens of milliseconds at times, which the thread that answers requests must not.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Answer, Job } from './background.ts'
import { Cleaning, checkpoint } from './cleaning.ts'
import { Engine } from './engine.ts'
import { toStoreError } from './faults.ts'

/** As long as a batch takes: half of the time the write lock is free for requests and other processes. */
const REST = 2

const { path, busyTimeout } = workerData as { path: string; busyTimeout: number }
const database = new DatabaseSync(path)
// Checkpoints are what this thread is for: made when asked for, never in the middle of a purge's transaction.
database.exec('PRAGMA synchronous = NORMAL; PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 0')
const engine = new Engine(database, busyTimeout)
const cleaning = new Cleaning(engine)
const rest = () => new Promise<void>((resolve) => setTimeout(resolve, REST))

async function run(job: Job): Promise<Answer> {
  try {
    if (job.purge) return { number: job.number, removed: await cleaning.purge(job.purge, rest) }
    checkpoint(database)
    return { number: job.number, removed: 0 }
  } catch (error) {
    const { code, message } = toStoreError(error)
    return { number: job.number, fault: { code, message } }
  }
}

parentPort?.on('message', async (job: Job | 'close') => {
  if (job === 'close') {
    engine.close()
    database.close()
    parentPort?.close()
    return
  }
  parentPort?.postMessage(await run(job))
})
