import { createHash } from 'node:crypto'
import { placementOfSubject, subjectKeyOf } from '../../core/placement.ts'

/** How many channels spread a Cluster's messages over its shards. A process that listens holds one connection for each. */
export const CHANNELS = 4

/**
 * The names of keys and channels. What names a session or its subject starts with `<prefix>:{<placement>}:`; the braces make a Cluster
 * keep all sessions of one subject in one slot, so that one script can act on all of them. No name holds a subject or a ledger key:
 * they show in `MONITOR`, in slow logs and on dashboards, and their characters would have to be trusted.
 */
export class Keys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The record or tombstone of a session. */
  record(id: string): string {
    return `${this.#prefix}:{${placementOf(id)}}:${id}`
  }

  /** Whether one script can reach both sessions in a Cluster. */
  areTogether(id: string, other: string): boolean {
    return placementOf(id) === placementOf(other)
  }

  /** What comes before the id in the record keys of a subject. */
  recordsOf(subject: string): string {
    return `${this.#prefix}:{${placementOfSubject(subject)}}:`
  }

  /** The sessions of a subject and its epoch. */
  subject(subject: string): string {
    return `${this.#prefix}:{${placementOfSubject(subject)}}:u:${subjectKeyOf(subject)}`
  }

  /** The sessions that came of a login at a provider, and whether it ended. In a slot of its own: one login may be of several subjects. */
  link(key: string): string {
    return `${this.#prefix}:link:${key}`
  }

  /** An entry of the ledger: kinds never meet, and entries are spread over all slots. */
  ledger(kind: 'claim' | 'value' | 'count', key: string): string {
    return `${this.#prefix}:${kind}:${digestOf(key)}`
  }

  /** The channel that tells of changes of records; in a Cluster one of `CHANNELS`. */
  changes(channel: number): string {
    return `${this.#prefix}:{changes${channel}}`
  }

  /** The channel of a topic. */
  topic(topic: string): string {
    return `${this.#prefix}:{topics${channelOf(topic)}}:${topic}`
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** By character code, the six bits of a base64url digit. */
const BITS = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, DIGITS.indexOf(String.fromCharCode(code))))
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** `placementOfId`, as every request needs it: without a `Buffer`, in a tenth of the time. */
function placementOf(id: string): string {
  const bits = (BITS[id.charCodeAt(0)]! << 10) | (BITS[id.charCodeAt(1)]! << 4) | (BITS[id.charCodeAt(2)]! >> 2)
  return HEX[bits >> 8]! + HEX[bits & 255]!
}

/** Which of the Cluster's channels a name belongs to. */
export function channelOf(name: string): number {
  let sum = 0
  for (let i = 0; i < name.length; i++) sum = (sum * 31 + name.charCodeAt(i)) | 0
  return Math.abs(sum) % CHANNELS
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
