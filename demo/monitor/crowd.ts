/**
 * `--live`: five hundred readers who come and go, and a few who are up to no good, so that the console has something to show. They send real requests to the shop; only
 * their sign-ins are made here, since five hundred passwords would be all that this machine did.
 */
import { randomBytes, randomInt } from 'node:crypto'
import type { Shop } from '../shop.ts'

const PEOPLE = 500
/** Milliseconds between two deeds of somebody. */
const PACE = 120
/** Networks for documentation (RFC 5737, RFC 3849): nobody's. */
const NETWORKS = [
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001:db8:17::/48',
  '2001:db8:4::/48',
  '2001:db8:ab::/48',
] as const
const DEVICES = [
  [
    'Chrome on Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  [
    'Safari on iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  ],
  ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'],
  [
    'Chrome on Android',
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  ],
  [
    'Safari on macOS',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
  ],
] as const
const FIRST = [
  'alma',
  'boris',
  'chloe',
  'dario',
  'elif',
  'farah',
  'goran',
  'hedda',
  'ines',
  'jonas',
  'kaja',
  'lev',
  'mira',
  'nils',
  'olga',
  'pavel',
  'rosa',
  'sami',
  'tove',
  'wanda',
]

interface Visiting {
  token: string
  readonly userAgent: string
}

/** Lets them in, and gives what sends them home. */
export function openToCrowd(shop: Shop): () => void {
  const inside: Visiting[] = []
  /** Tokens of those who left: what a thief may have a copy of. */
  const left: string[] = []
  const names = Array.from(
    { length: PEOPLE },
    (_, index) => `${FIRST[index % FIRST.length]}-${Math.floor(index / FIRST.length) + 1}`,
  )

  async function arrive(): Promise<void> {
    const index = randomInt(PEOPLE)
    const subject = names[index]!
    // People have habits: one device and one network, and now and then another.
    const isUsual = randomInt(100) < 95
    const [device, userAgent] = isUsual ? DEVICES[index % DEVICES.length]! : oneOf(DEVICES)
    const network = isUsual ? NETWORKS[index % NETWORKS.length]! : oneOf(NETWORKS)
    await shop.monitor.anomalies.assess({ subject, userAgent, address: addressIn(network, index) })
    const session = await shop.sessions.signIn({ subject, method: 'pwd' }, { device, network })
    const { token } = await session.commit()
    if (token !== undefined) inside.push({ token, userAgent })
  }

  async function leave(): Promise<void> {
    const [visiting] = inside.splice(randomInt(inside.length), 1)
    left.push(visiting!.token)
    if (left.length > 50) left.shift()
    await ask('/logout', visiting!, 'POST')
  }

  async function ask(path: string, { token, userAgent }: Pick<Visiting, 'token' | 'userAgent'>, method = 'GET'): Promise<void> {
    const name = shop.isTls ? '__Host-sjn' : 'sjn'
    const headers = { cookie: `${name}=${token}`, 'user-agent': userAgent, 'sec-fetch-site': 'same-origin', accept: 'text/html' }
    const response = await fetch(shop.origin + path, { method, headers, redirect: 'manual' })
    await response.arrayBuffer()
    const replaced = response.headers.getSetCookie().find((line) => line.startsWith(`${name}=sjn1_`))
    const visiting = inside.find((one) => one.token === token)
    if (visiting !== undefined && replaced !== undefined) visiting.token = replaced.slice(name.length + 1).split(';')[0]!
  }

  /** Makes up tokens, uses one that was signed out, turns up in another browser than the session's, or sends a form from elsewhere. */
  async function misbehave(): Promise<void> {
    const [, userAgent] = oneOf(DEVICES)
    const deed = randomInt(4)
    if (deed === 0) return ask('/me', { token: `sjn1_${randomBytes(64).toString('base64url')}`, userAgent })
    if (deed === 1 && left.length > 0) return ask('/me', { token: oneOf(left), userAgent })
    if (deed === 2 && inside.length > 0) return ask('/me', { ...oneOf(inside), userAgent: 'curl/8.14.1' })
    await fetch(`${shop.origin}/login`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site', 'user-agent': userAgent } })
  }

  async function somethingHappens(): Promise<void> {
    const chance = randomInt(100)
    if (chance < 6) return misbehave()
    if (inside.length < PEOPLE / 5 || chance < 40) return inside.length < PEOPLE ? arrive() : leave()
    if (chance < 65) return leave()
    await ask(oneOf(['/', '/me', '/basket', '/books/quince']), oneOf(inside))
  }

  // The shop may be busy, or closing: whoever finds the door shut tries again.
  const clock = setInterval(() => void somethingHappens().catch(() => {}), PACE)
  clock.unref()
  return () => clearInterval(clock)
}

/** An address of a network, such as `203.0.113.7`. */
function addressIn(network: string, index: number): string {
  const prefix = network.slice(0, network.indexOf('/'))
  return prefix.endsWith('::') ? `${prefix}${(index + 1).toString(16)}` : prefix.replace(/0$/, String((index % 254) + 1))
}

function oneOf<T>(list: readonly T[]): T {
  return list[randomInt(list.length)]!
}
