import { idFromColumn } from './columns.ts'

/** What the messages on the database's one channel say. */
export type Announcement =
  | { readonly kind: 'changed'; readonly id: string }
  | { readonly kind: 'subject-revoked'; readonly subjectKey: string }
  | { readonly kind: 'message'; readonly topic: string; readonly message: string }
  /** Sent by a listener to itself: what was announced before has arrived before. */
  | { readonly kind: 'fence'; readonly name: string }

/** PostgreSQL takes messages of fewer bytes than this. */
const TOO_MANY_BYTES = 8000

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const SUBJECT_KEY = /^[A-Za-z0-9_-]{43}$/

/** `undefined` if it is too long. In base64, since PostgreSQL's text holds no NUL and escapes could make 4 KiB any length. */
export function messagePayload(topic: string, message: string): string | undefined {
  const payload = `m${toBase64(topic)}.${toBase64(message)}`
  return payload.length < TOO_MANY_BYTES ? payload : undefined
}

export const subjectPayload = (subjectKey: string): string => `s${subjectKey}`

export const fencePayload = (name: string): string => `f${name}`

/** `undefined` for what is none of ours: every role of the database may send to the channel. */
export function parseAnnouncement(payload: string): Announcement | undefined {
  const rest = payload.slice(1)
  switch (payload[0]) {
    case 'i':
      return UUID.test(rest) ? { kind: 'changed', id: idFromColumn(rest) } : undefined
    case 's':
      return SUBJECT_KEY.test(rest) ? { kind: 'subject-revoked', subjectKey: rest } : undefined
    case 'm': {
      const [topic, message] = rest.split('.')
      if (topic === undefined || message === undefined) return undefined
      return { kind: 'message', topic: fromBase64(topic), message: fromBase64(message) }
    }
    case 'f':
      return { kind: 'fence', name: rest }
    default:
      return undefined
  }
}

const toBase64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('utf8')
