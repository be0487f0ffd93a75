/** Ways to prove who one is, as people call them. A name we do not know is not shown: it may be anything. */

const WORDS: ReadonlyMap<string, string> = new Map([
  ['pwd', 'your password'],
  ['password', 'your password'],
  ['opaque', 'your password'],
  ['pin', 'a PIN'],
  ['otp', 'a code'],
  ['totp', 'a code from your app'],
  ['sms', 'a code by text message'],
  ['tel', 'a phone call'],
  ['recovery', 'a recovery code'],
  ['passkey', 'a passkey'],
  ['hwk', 'a passkey'],
  ['swk', 'a passkey'],
  ['pop', 'a passkey'],
  ['sc', 'a smart card'],
  ['face', 'your face'],
  ['fpt', 'your fingerprint'],
])

const MOST = 4

/** Such as `your password and a code`. */
export function methodWords(methods: unknown): string {
  const names = Array.isArray(methods) ? methods.slice(0, MOST) : []
  const words = [...new Set(names.map((name) => (typeof name === 'string' ? WORDS.get(name) : undefined) ?? 'another proof'))]
  if (words.length <= 1) return words[0] ?? 'another proof'
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
