/**
 * What processes tell each other of ends: many in one message, each message numbered, so that whoever listens knows when one was lost. The channel gives no such
 * promise itself.
 */
import { isSessionId } from '../../core/token.ts'
import type { Ended } from './log.ts'

/** The channel's topic. */
export const TOPIC = 'tokens:ended'

export interface Message {
  /** Names the sending process, and counts what it has sent. */
  readonly sender: string
  readonly number: number
  /** When it sent the one before, by its own clock. */
  readonly previousAt: number
  readonly ended: readonly Ended[]
}

/** A channel takes 4 KiB; an entry has at most 70 bytes. */
export const MOST_IN_MESSAGE = 50

const SENDER = /^[A-Za-z0-9_-]{8,32}$/
const SUBJECT_KEY = /^[A-Za-z0-9_-]{43}$/
const JTI = /^[\x21-\x7e]{1,64}$/

export function messageText({ sender, number, previousAt, ended }: Message): string {
  return JSON.stringify([sender, number, previousAt, ended.map(packed)])
}

/** `undefined` for what is none of ours: whoever reaches the store may send to its channel. */
export function parseMessage(text: string): Message | undefined {
  try {
    const [sender, number, previousAt, entries] = JSON.parse(text) as unknown[]
    if (typeof sender !== 'string' || !SENDER.test(sender) || !Number.isSafeInteger(number)) return undefined
    if (typeof previousAt !== 'number' || !Array.isArray(entries)) return undefined
    return { sender, number: number as number, previousAt, ended: entries.flatMap(unpacked) }
  } catch {
    return undefined
  }
}

function packed(ended: Ended): readonly unknown[] {
  switch (ended.kind) {
    case 'session':
      return ['s', ended.sessionId]
    case 'token':
      return ['t', ended.jti]
    case 'subject':
      return ['u', ended.subjectKey, ended.at]
    case 'doubt':
      return ['d', ended.sessionId, ended.at]
  }
}

function unpacked(entry: unknown): Ended[] {
  const [kind, name, at] = Array.isArray(entry) ? (entry as unknown[]) : []
  if (kind === 's' && isSessionId(name)) return [{ kind: 'session', sessionId: name }]
  if (kind === 't' && typeof name === 'string' && JTI.test(name)) return [{ kind: 'token', jti: name }]
  if (typeof at !== 'number' || !Number.isFinite(at)) return []
  if (kind === 'u' && typeof name === 'string' && SUBJECT_KEY.test(name)) return [{ kind: 'subject', subjectKey: name, at }]
  return kind === 'd' && isSessionId(name) ? [{ kind: 'doubt', sessionId: name, at }] : []
}
