/** To whom something short-lived is given, so that nobody else's answer to it counts. */
import { type Session, workOf } from '../core/session.ts'

/**
 * A session, by its public id, or a visitor without one, by the random value of a cookie: who opens a page costs no row. Neither holds a NUL.
 *
 * @param mayMake - Whether a visitor who has no such cookie gets one; else `undefined`.
 */
export function ownerOf(session: Session<unknown>, mayMake: boolean): string | undefined {
  const { id } = session
  if (id !== undefined) return `session\0${id}`
  const secret = workOf(session).visitorSecret(mayMake)
  return secret === undefined ? undefined : `visitor\0${secret}`
}
