/** Pieces of SQL that several functions and statements are made of. */

/**
 * The number of an advisory lock, held until the statement commits: of a subject, or of a link's key. Two that have one number wait for each
 * other, and that is all. Whoever takes several takes those of links first, in the order of their numbers, and rows last: so nobody waits in a circle.
 */
export const lockOf = (bytes: string): string =>
  `('x' || encode(substring(sha256(${bytes}) FROM 1 FOR 8), 'hex'))::bit(64)::bigint`

/** What ends a session is on disk before it is acknowledged, even where the application has switched that off for itself. */
export const DURABLY = `CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END`

/** What remains of a session is found by no login, and tells no address. */
export const UNLINKED = 'link_at = NULL, link_keys = NULL, network = NULL'
