/** Entry of a process that contends: opens the store it is told to, waits for the word, and reports. */
import { systemClock } from '../../core/clock.ts'
import { factorRaces } from './factors.ts'
import { outboxRaces } from './outbox.ts'
import type { Part, Race } from './race.ts'
import { races } from './races.ts'

/** What the first process asks, one thing at a time. `startAt` is when all begin. */
export type Request =
  | { readonly kind: 'open'; readonly module: string; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'contend'; readonly race: string; readonly plan: unknown; readonly part: Part; readonly startAt: number }
  | { readonly kind: 'close' }

export type Answer = { readonly report: unknown } | { readonly error: string }

/** A store of any kind: which one a race is about is the affair of who asks for it. */
interface AnyStore {
  readonly close: () => Promise<void>
}

const everyRace = { ...races, ...factorRaces, ...outboxRaces } as Readonly<Record<string, Race<unknown, unknown, AnyStore>>>

let opened: { readonly store: AnyStore; readonly close: () => Promise<void> } | undefined

async function answer(request: Request): Promise<unknown> {
  if (request.kind === 'open') {
    Object.assign(process.env, request.env)
    opened = await openedBy(await import(request.module), request.module)
    return undefined
  }
  if (request.kind === 'close') {
    const closing = opened?.close()
    opened = undefined
    return closing
  }
  const race = everyRace[request.race]
  if (opened === undefined || race === undefined) throw new Error(`there is no store, or no race named ${request.race}`)
  await until(request.startAt)
  return race.contend(opened.store, request.plan, request.part)
}

/** All processes of a machine have one clock, so that they start together. */
const until = (instant: number) => new Promise((resolve) => setTimeout(resolve, instant - systemClock()))

async function openedBy(module: { openStore?: () => Promise<AnyStore | NonNullable<typeof opened>> }, name: string) {
  if (typeof module.openStore !== 'function') throw new Error(`${name} does not export a function openStore`)
  const given = await module.openStore()
  return 'store' in given ? given : { store: given, close: () => given.close() }
}

const send = (message: Answer) => process.send?.(message)

process.on('message', (request: Request) => {
  answer(request).then(
    (report) => send({ report }),
    (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
// The first process has ended, in whatever way: nobody is left to answer to.
process.on('disconnect', () => process.exit())
