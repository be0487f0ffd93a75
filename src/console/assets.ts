/** Style sheet and script, served by the pages themselves: no other host is asked for anything. Their name carries their hash, so that they are kept for a year and never stale. */
import { createHash } from 'node:crypto'
import type { PageAnswer } from './mount.ts'

/** Files of one part of pages, by name. */
export interface Assets {
  /** Path and query of one, below the mounting path. */
  address(name: string): string
  /** `undefined` for a name that is none. They are the same for everybody, and need no session. */
  answer(path: string): PageAnswer | undefined
}

const TYPES: Readonly<Record<string, string>> = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' }
const FOLDER = '/assets/'

export function assetsOf(files: Readonly<Record<string, string>>): Assets {
  const all = new Map(
    Object.entries(files).map(([name, body]) => {
      const version = createHash('sha256').update(body).digest('base64url').slice(0, 12)
      const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
      const headers = {
        'Content-Type': type,
        'Cache-Control': 'public, max-age=31536000, immutable',
        'X-Content-Type-Options': 'nosniff',
      }
      return [name, { version, answer: { status: 200, headers, body } }] as const
    }),
  )
  return {
    address: (name) => `${FOLDER}${name}?v=${all.get(name)?.version}`,
    answer: (path) => (path.startsWith(FOLDER) ? all.get(path.slice(FOLDER.length))?.answer : undefined),
  }
}
