import { randomBytes } from 'node:crypto'

/** A fresh key, as `npx sojourn keys` makes one. */
export function testKey(): string {
  return randomBytes(32).toString('base64url')
}
