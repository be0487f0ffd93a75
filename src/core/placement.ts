/**
 * Where a session belongs: the first two bytes of its id are those of its subject's digest, so that an engine can put all sessions of
 * one subject, their index and their epoch in one place (design 3). The digest also stands for the subject wherever it would show:
 * in key names, in messages between processes.
 */
import { sha256 } from './crypto.ts'

/**
 * A name for a subject that says nothing of who it is.
 *
 * For stores: in the messages of `store.changes`, and wherever an engine would be told, or would show, whose sessions it keeps. Who
 * guesses a subject can confirm the guess, so it hides names from those who look, not from those who search.
 *
 * @param subject - Any well-formed string of at most 1,024 UTF-8 bytes, hostile ones included.
 * @returns The SHA-256 of the subject: 43 base64url characters, harmless in any protocol.
 * @example
 * listener.subjectRevoked(subjectKeyOf('ada'))
 */
export function subjectKeyOf(subject: string): string {
  return sha256(Buffer.from(subject)).toString('base64url')
}

/** The place of a subject's sessions: 4 hexadecimal digits, the same as `placementOfId` of each of their ids. */
export function placementOfSubject(subject: string): string {
  return sha256(Buffer.from(subject)).toString('hex', 0, 2)
}

/** The place a session id names: 4 hexadecimal digits. Ids of anonymous sessions name a random one. */
export function placementOfId(id: string): string {
  return Buffer.from(id.slice(0, 3), 'base64url').toString('hex', 0, 2)
}
