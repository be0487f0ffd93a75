import { randomBytes } from 'node:crypto'
import { createSessions, isSojournError, type Session } from 'sojourn'
import type { Store } from '../../../src/core/store.ts'
import { until } from './support.ts'

const KEY = randomBytes(32).toString('base64url')
const WORKERS = 12

/** What was acknowledged, and how operations failed. */
export interface Report {
  readonly alive: string[]
  readonly ended: string[]
  readonly reads: number
  readonly faults: unknown[]
  /** The longest operation, in milliseconds. */
  readonly longest: number
}

/** People signing in, coming back and signing out, through `createSessions`, while something happens to the server. */
export async function underLoad(store: Store, happening: (soFar: Report) => Promise<void>): Promise<Report> {
  const sessions = createSessions({ store, keys: KEY })
  const report = { alive: [] as string[], ended: [] as string[], reads: 0, faults: [] as unknown[], longest: 0 }
  let isOver = false

  const timed = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const startedAt = performance.now()
    try {
      return await work()
    } catch (error) {
      report.faults.push(error)
      // As a client does that was told to try again.
      await new Promise((resolve) => setTimeout(resolve, 10))
      return undefined
    } finally {
      report.longest = Math.max(report.longest, performance.now() - startedAt)
    }
  }
  const worker = async (number: number) => {
    for (let i = 0; !isOver; i++) {
      const session = await timed(() => sessions.signIn({ subject: `reader${number}-${i % 7}`, method: 'pwd' }))
      const token = session && (await tokenOf(session))
      if (session === undefined || token === undefined) continue
      const found = await timed(() => sessions.read(token))
      if (found !== undefined) report.reads++
      if (found !== undefined && found.state !== 'active') report.faults.push(new Error(`a live session read as ${found.state}`))
      if (i % 2 === 0 || found?.state !== 'active') {
        report.alive.push(token)
        continue
      }
      const isEnded = await timed(async () => {
        await sessions.signOut(found)
        return true
      })
      if (isEnded) report.ended.push(token)
    }
  }
  const working = Array.from({ length: WORKERS }, (_, number) => worker(number))
  await happening(report)
  isOver = true
  await Promise.all(working)
  return report
}

/** Waits until people have signed out `count` times more. */
export async function moreSignOuts({ ended }: Report, count: number): Promise<void> {
  const before = ended.length
  await until(() => ended.length >= before + count)
}

/** The state of each token's session, each state once. */
export async function statesOf(store: Store, tokens: readonly string[]): Promise<string[]> {
  const sessions = createSessions({ store, keys: KEY })
  const states = await Promise.all(tokens.map(async (token) => (await sessions.read(token)).state))
  return [...new Set(states)]
}

export const isUnavailable = (fault: unknown): boolean => isSojournError(fault, 'ERR_STORE_UNAVAILABLE') && fault.status === 503

async function tokenOf(session: Session): Promise<string | undefined> {
  const instruction = await session.commit()
  return instruction.kind === 'set' ? instruction.token : undefined
}
