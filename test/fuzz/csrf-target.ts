/** What tells forged requests from a site's own: tokens, origins, referers and types of bodies, each beside an independent reading. */
import { createHmac } from 'node:crypto'
import { MIMEType } from 'node:util'
import type { Random } from '../../src/core/crypto.ts'
import type { Keyring } from '../../src/core/keyring.ts'
import { isOwnOrigin, originOf } from '../../src/http/csrf/origin.ts'
import { needsPreflight } from '../../src/http/csrf/simple-request.ts'
import { type CsrfOwner, CsrfTokens } from '../../src/http/csrf/token.ts'
import { type Draw, mutateText } from './mutate.ts'

const OWNER: CsrfOwner = { kind: 'session', value: 'AAECAwQFBgcICQoLDA0ODw' }
const OTHERS: readonly CsrfOwner[] = [
  { kind: 'anonymous', value: OWNER.value },
  { kind: 'session', value: 'BAECAwQFBgcICQoLDA0ODw' },
]
const AUTHORITIES = ['shop.example', 'shop.example:8443', '[::1]:8443', 'xn--bcher-kva.example']
const ORIGINS = [
  ...AUTHORITIES.map((authority) => `https://${authority}`),
  'https://shop.example.evil.example',
  'https://shop.example@evil.example',
  'http://shop.example',
  'https://shop.example:443',
  'https://evil.example/https://shop.example/',
  'https://shop.example/basket?x=1#y',
  'https://shop.example\\.evil.example/',
  'null',
]
const TYPES = [
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain;charset=UTF-8',
  'text/plain, application/json',
]
const SIMPLE: readonly string[] = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']

/** One input and the finding, if any; `judged` turns what throws into one. */
export function csrfRun(keyring: Keyring, random: Random) {
  const made = new CsrfTokens(keyring, random)
  const tokens = [OWNER, ...OTHERS].flatMap((owner) => [made.mint(owner), made.mint(owner)])
  const keys = keyring.all.map((key) => key.derive('csrf'))

  /** Nothing of ours: a decoder that takes one spelling, and Node's HMAC. */
  function isValid(text: string): boolean {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length !== 64 || bytes.toString('base64url') !== text) return false
    const mac = Buffer.from(bytes.subarray(32).map((byte, i) => byte ^ bytes[i]!))
    return keys.some((key) => createHmac('sha256', key).update(`session\0${OWNER.value}`).digest().equals(mac))
  }

  const findings: readonly ((choose: Draw) => readonly [string, () => string | undefined])[] = [
    (choose) => {
      const input = mutateText(tokens[choose(tokens.length)]!, tokens, choose)
      return [
        input,
        () => (made.isOf(input, OWNER) === isValid(input) ? undefined : 'took a wrong token, or refused a right one'),
      ]
    },
    (choose) => {
      const authority = AUTHORITIES[choose(AUTHORITIES.length)]!
      const input = mutateText(ORIGINS[choose(ORIGINS.length)]!, ORIGINS, choose)
      const isOwn = input === new URL(`https://${authority}`).origin
      return [
        input,
        () => (isOwnOrigin(input, true, authority) === isOwn ? undefined : `is wrong about the origin of ${authority}`),
      ]
    },
    (choose) => {
      const authority = AUTHORITIES[choose(AUTHORITIES.length)]!
      const input = mutateText(`${ORIGINS[choose(ORIGINS.length)]}/x`, ORIGINS, choose)
      return [input, () => (isOwnOrigin(originOf(input), true, authority) ? refererFinding(input, authority) : undefined)]
    },
    (choose) => {
      const input = mutateText(TYPES[choose(TYPES.length)]!, TYPES, choose)
      return [input, () => (needsPreflight('POST', input) ? typeFinding(input) : undefined)]
    },
  ]
  return (choose: Draw) => findings[choose(findings.length)]!(choose)
}

function refererFinding(input: string, authority: string): string | undefined {
  const { origin } = new URL(input)
  return origin === `https://${authority}` ? undefined : `took a referer of ${origin} for one of ${authority}`
}

/** A type that cannot be read is one that browsers ask about. */
function typeFinding(input: string): string | undefined {
  try {
    return SIMPLE.includes(new MIMEType(input).essence) ? 'took a simple type for one that browsers ask about' : undefined
  } catch {
    return undefined
  }
}
