/**
 * What an application keeps of a password: the client's record, and the name it was made under. The name is chosen anew for each registration, never the
 * account's: whoever may register anything may have the protocol's first step computed for any password under a name given to it, and with an
 * account's own name could try passwords against a login's answer as often as they like, past every throttle.
 */

export interface Registration {
  readonly identifier: string
  readonly record: string
}

const TEXT = /^opaque1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{256})$/

export const registrationText = ({ identifier, record }: Registration): string => `opaque1.${identifier}.${record}`

/** `undefined` for what is none of ours. */
export function parseRegistration(text: unknown): Registration | undefined {
  const [, identifier, record] = (typeof text === 'string' && TEXT.exec(text)) || []
  return identifier === undefined || record === undefined ? undefined : { identifier, record }
}
