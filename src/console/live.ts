/**
 * The live stream: server-sent events that say that something changed, and what other operators did; the page then asks for itself again. It carries no more than subjects and public session
 * ids, waits for nobody, and closes when the operator's session ends, has proved too little by now, or is no operator's any more: a stream opened in the morning must not be a window at night.
 */
import { meets, undoubted } from '../core/assurance.ts'
import type { SojournEvent } from '../core/events.ts'
import { expiredBy } from '../core/expiry.ts'
import { policyFor } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import { shown } from './account-pages/name.ts'
import type { ConsoleContext } from './context.ts'
import type { PageAnswer } from './mount.ts'
import { PAGE_HEADERS } from './shell.ts'

export interface Live {
  open(session: Session<unknown>, signal: AbortSignal): PageAnswer
  /** Ends all streams. */
  close(): void
}

const MOST_STREAMS = 200
const MOST_WAITING = 20
/** How often it is asked whether the operator still is one, in milliseconds. */
const CHECK_EVERY = 2000
/** Longest silence: a proxy in between would take the stream for dead. */
const BEAT_EVERY = 15_000

interface Stream {
  readonly session: Session<unknown>
  readonly waiting: string[]
  hasChange: boolean
  isOver: boolean
  wake: () => void
}

export function liveStreams(context: ConsoleContext, isAllowed: (session: Session<unknown>) => boolean | Promise<boolean>): Live {
  const streams = new Set<Stream>()
  let isClosed = false

  const stop = context.seen.watch((event) => {
    const text = deedOf(event)
    for (const stream of streams) {
      stream.hasChange = true
      const isOwn = 'actor' in event && event.actor === stream.session.subject
      if (text !== undefined && !isOwn && stream.waiting.length < MOST_WAITING) stream.waiting.push(message('told', { text }))
      stream.wake()
    }
  })

  /** Asked of the store, since the session may have ended anywhere. While the store is away nobody knows, and the stream ends. */
  async function isStillIn({ session }: Stream): Promise<boolean> {
    const { service, requirement } = context
    const { id } = session
    if (id === undefined || session.subject === undefined) return false
    const now = service.config.clock()
    if (service.carrier !== undefined) {
      // A session that is in its cookie alone: its deadlines and proofs are all there is to look at.
      return (
        now < (session.absoluteDeadline ?? 0) &&
        now < (session.idleDeadline ?? 0) &&
        session.meets(requirement) &&
        (await isAllowed(session)) === true
      )
    }
    const found = await service.calls.read(id)
    if (found?.kind !== 'record' || found.record.epoch < found.subjectEpoch) return false
    const record = service.decode(found.record)
    if (
      record === undefined ||
      record.subject !== session.subject ||
      expiredBy(record, now, policyFor(service, record)) !== undefined
    )
      return false
    const { facts, doubtedAt } = record.details
    return meets(undoubted(facts, doubtedAt), requirement, now) && (await isAllowed(session)) === true
  }

  async function* run(session: Session<unknown>, signal: AbortSignal): AsyncGenerator<string> {
    const stream: Stream = { session, waiting: [], hasChange: false, isOver: false, wake: () => {} }
    streams.add(stream)
    const leave = () => {
      stream.isOver = true
      stream.wake()
    }
    signal.addEventListener('abort', leave)
    try {
      yield 'retry: 3000\n\n'
      let quietFor = 0
      while (!signal.aborted && !stream.isOver && !isClosed) {
        await pause(stream)
        if (stream.isOver || isClosed || signal.aborted) break
        if (!(await isStillIn(stream).catch(() => false))) break
        const pieces = stream.waiting.splice(0)
        if (stream.hasChange) pieces.push(message('change', {}))
        stream.hasChange = false
        quietFor = pieces.length > 0 ? 0 : quietFor + CHECK_EVERY
        if (pieces.length > 0) yield pieces.join('')
        else if (quietFor >= BEAT_EVERY) {
          quietFor = 0
          yield ': beat\n\n'
        }
      }
      yield message('end', {})
    } finally {
      signal.removeEventListener('abort', leave)
      streams.delete(stream)
    }
  }

  return {
    open(session, signal) {
      const headers = { ...PAGE_HEADERS, 'X-Accel-Buffering': 'no' }
      if (isClosed || streams.size >= MOST_STREAMS)
        return {
          status: 503,
          headers: { ...headers, 'Retry-After': '30', 'Content-Type': 'text/plain; charset=utf-8' },
          body: 'Too many live pages\n',
        }
      return {
        status: 200,
        headers: { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' },
        body: run(session, signal),
      }
    },
    close() {
      isClosed = true
      stop()
      for (const stream of streams) stream.wake()
    },
  }
}

/** Until the next look, or a moment after something happened: many things at once are one change. */
function pause(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      clearTimeout(soon)
      stream.wake = () => {}
      resolve()
    }
    let soon: NodeJS.Timeout | undefined
    const timer = setTimeout(done, CHECK_EVERY).unref()
    stream.wake = () => {
      if (stream.isOver) done()
      else soon ??= setTimeout(done, 250).unref()
    }
    if (stream.hasChange || stream.waiting.length > 0 || stream.isOver) stream.wake()
  })
}

const message = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** What another operator did, in words. */
function deedOf(event: SojournEvent): string | undefined {
  if (event.type !== 'session.revoked' && event.type !== 'subject.revoked') return undefined
  const { actor, subject } = event
  // What people do to their own sessions is nobody's deed to be told of.
  if (actor === undefined || actor === subject) return undefined
  const whose = subject === undefined ? 'nobody in particular' : shown(subject).text
  return event.type === 'subject.revoked'
    ? `${shown(actor).text} ended all sessions of ${whose}.`
    : `${shown(actor).text} ended a session of ${whose}.`
}
