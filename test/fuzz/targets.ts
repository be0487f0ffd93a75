/** What is fuzzed, and what must hold of every answer. A finding is a sentence; no finding is `undefined`. */
import { BlockList, isIP } from 'node:net'
import { createDataCodec } from '../../src/core/data.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { decodeRecord, encodeRecord, type Generation, type SessionRecord } from '../../src/core/record.ts'
import { openData, sealData } from '../../src/core/sealed-data.ts'
import type { StoredRecord } from '../../src/core/store.ts'
import { encodeId, hashSecret, mintToken, newId, newSecret, parseToken } from '../../src/core/token.ts'
import { chooseCookie } from '../../src/http/cookie-choice.ts'
import { cookieValues, MOST_CANDIDATES } from '../../src/http/cookie-parse.ts'
import { formatIpAddress, parseIpAddress } from '../../src/http/ip-address.ts'
import { MOST_HOPS, TrustedProxies } from '../../src/http/trusted-proxies.ts'
import { csrfRun } from './csrf-target.ts'
import { type Draw, mutateBytes, mutateText } from './mutate.ts'

/** One parser under test. */
export interface Target {
  readonly name: string
  /** Share of all inputs, in per cent. */
  readonly share: number
  /** Makes one input and judges what the parser made of it. Gives the input as text and the finding. */
  readonly run: (draw: Draw) => { readonly input: string; readonly finding: string | undefined }
}

const KEYS = ['G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g', 'MzpTtMGwAI7hhw2HZkBu7ReV_cWnPasLZDV7Y8UGMys']
const NAME = '__Host-sjn'

/** All targets with valid inputs made from this source of choice. */
export function targetsFrom(draw: Draw): readonly Target[] {
  const random = (size: number) => Uint8Array.from({ length: size }, () => draw(256))
  const ring = createKeyring(KEYS)
  const older = createKeyring(KEYS[1])
  const tokens = Array.from({ length: 8 }, (_, i) =>
    mintToken(newId(random, `user ${i}`), newSecret(random), i % 2 ? ring : older),
  )
  const known = new Set(tokens)
  const recognises = (token: string) => typeof parseToken(token, ring) !== 'string'

  const token: Target = {
    name: 'token',
    share: 30,
    run: (choose) => {
      const input = mutateText(tokens[choose(tokens.length)]!, tokens, choose)
      return { input, finding: judged(() => tokenFinding(input)) }
    },
  }
  function tokenFinding(input: string): string | undefined {
    const parsed = parseToken(input, ring)
    if (typeof parsed !== 'string') return known.has(input) ? undefined : 'accepted a token nobody minted'
    const isWellFormed = input.length === 91 && input === `sjn1_${Buffer.from(input.slice(5), 'base64url').toString('base64url')}`
    return (parsed === 'forged') === isWellFormed
      ? undefined
      : `said ${parsed} of a token that is ${isWellFormed ? '' : 'not '}well-formed`
  }

  const headers = [
    ...tokens.map((one) => `${NAME}=${one}`),
    `a=b; ${NAME}=${tokens[0]}; c=d`,
    `${NAME}=${tokens[0]}; ${NAME}=${tokens[1]}`,
    `theme=dark;${NAME} = x ;\t${NAME}=${tokens[2]}`,
    `x${NAME}=1; ${NAME}x=2; =${NAME}; ${NAME}`,
    Array.from({ length: 20 }, (_, i) => `${NAME}=${i}`).join('; '),
  ]
  const cookie: Target = {
    name: 'cookie',
    share: 30,
    run: (choose) => {
      const input = mutateText(headers[choose(headers.length)]!, headers, choose)
      return { input, finding: judged(() => cookieFinding(input)) }
    },
  }
  function cookieFinding(input: string): string | undefined {
    const values = cookieValues(input, NAME)
    const expected = plainCookieValues(input)
    if (values.length !== expected.length || values.some((value, i) => value !== expected[i]))
      return 'found other values than plain splitting'
    const { token: chosen } = chooseCookie(values, { recognises })
    if (chosen !== undefined && !values.includes(chosen)) return 'chose a value that was not sent'
    const valid = new Set(values.filter(recognises))
    return values.length > 1 && valid.size === 1 && chosen !== [...valid][0] ? 'did not choose the only valid one' : undefined
  }

  const rows = Array.from({ length: 8 }, (_, i) => rowFrom(i, random, i % 2 ? ring : older))
  const bodies = rows.map(({ stored }) => stored.body)
  const record: Target = {
    name: 'record',
    share: 30,
    run: (choose) => {
      const { stored } = rows[choose(rows.length)]!
      const body = mutateBytes(stored.body, bodies, choose)
      return { input: `${stored.id} ${body.toString('base64')}`, finding: judged(() => recordFinding({ ...stored, body })) }
    },
  }
  function recordFinding(row: StoredRecord): string | undefined {
    const decoded = decodeRecord(row, ring)
    if (decoded === undefined) return undefined
    const origin = rows.find(({ stored }) => stored.id === row.id)!
    const authentic = origin.stored.body.length - origin.record.sealedData.length
    if (!bodies.some((body) => Buffer.compare(body.subarray(0, authentic), row.body.subarray(0, authentic)) === 0))
      return 'accepted a record nobody wrote'
    if (decoded.subject !== origin.record.subject) return 'gave another subject'
    // The getters that read on demand.
    if (decoded.lineage.length !== origin.record.lineage.length || decoded.details.facts.length === 0) return 'lost a part'
    const isData = Buffer.compare(decoded.sealedData, origin.record.sealedData) === 0
    return !isData && openData(decoded.sealedData, decoded.idBytes, ring) !== undefined ? 'opened data nobody sealed' : undefined
  }

  const codec = createDataCodec({ dataVersion: 3, maxDataBytes: 10_000, migrate: (data) => data })
  const texts = [
    '1{}',
    '3{"a":1}',
    '2{"list":[1,2,{"deep":null}]}',
    '4{}',
    '3{"__proto__":{"x":1}}',
    '1{"constructor":{"prototype":{"x":1}}}',
  ]
  const data: Target = {
    name: 'data',
    share: 5,
    run: (choose) => {
      const input = mutateText(texts[choose(texts.length)]!, texts, choose)
      const finding = judged(() => {
        codec.decode(Buffer.from(input))
        return Object.hasOwn(Object.prototype, 'x') ? 'polluted Object.prototype' : undefined
      })
      return { input, finding }
    },
  }

  const proxies = new TrustedProxies(['10.0.0.0/8', 'fd00::/9', '::1'])
  const lists = [
    '203.0.113.9',
    '198.51.100.7, 203.0.113.9, 10.0.0.2,10.0.0.3',
    '[2001:db8::1]:443, fd00::1, ::ffff:10.0.0.5',
    '203.0.113.9:4711,\t10.0.0.2 , unknown, 10.0.0.3',
    '2001:0DB8:0:0:1:0:0:1, fe80::1%eth0, ::1',
    '::ffff:a00:5,1:2:3:4:5:6:7:8,::,0.0.0.0,255.255.255.255',
  ]
  const address: Target = {
    name: 'address',
    share: 5,
    run: (choose) => {
      const input = mutateText(lists[choose(lists.length)]!, lists, choose)
      return { input, finding: judged(() => addressFinding(input)) }
    },
  }
  function addressFinding(input: string): string | undefined {
    for (const text of input.split(/[\s,]+/)) {
      const parsed = parseIpAddress(text)
      if ((parsed !== undefined) !== (isIP(text) !== 0 && !text.includes('%'))) return `read ${text} other than node:net`
      const plain = parsed && formatIpAddress(parsed)
      if (plain !== undefined && formatIpAddress(parseIpAddress(plain)!) !== plain) return `wrote ${text} as no address`
    }
    const client = proxies.clientOf({ peer: '10.9.9.9', header: () => input })
    return client === plainClient(input) ? undefined : `took ${client} for the client`
  }
  const runCsrf = csrfRun(ring, random)
  const csrf: Target = {
    name: 'csrf',
    share: 5,
    run: (choose) => {
      const [input, findingOf] = runCsrf(choose)
      return { input, finding: judged(findingOf) }
    },
  }
  return [token, cookie, record, data, address, csrf]
}

function judged(work: () => string | undefined): string | undefined {
  try {
    return work()
  } catch (error) {
    return `threw ${String(error)}`
  }
}

/** The same by splitting, as anybody would write it without a thought of cost. */
function plainCookieValues(header: string): string[] {
  return header
    .split(';')
    .map((pair) => ({ pair, equals: pair.indexOf('=') }))
    .filter(({ pair, equals }) => equals !== -1 && trimBlanks(pair.slice(0, equals)) === NAME)
    .map(({ pair, equals }) => trimBlanks(pair.slice(equals + 1)))
    .slice(0, MOST_CANDIDATES)
}

const ours = new BlockList()
ours.addSubnet('10.0.0.0', 8)
ours.addSubnet('fd00::', 9, 'ipv6')
ours.addAddress('::1', 'ipv6')

/** The walk by splitting, with node:net for everything about addresses. */
function plainClient(list: string): string {
  let client = '10.9.9.9'
  for (const entry of list.split(',').reverse().slice(0, MOST_HOPS)) {
    const text = entry.length > 60 ? '' : entry.trim()
    const hop = isIP(text) === 0 ? text.replace(/^\[(.*:.*)\](?::\d{1,5})?$|^([^:]+):\d{1,5}$/, '$1$2') : text
    if (isIP(hop) === 0 || hop.includes('%')) break
    client = hop
    if (!ours.check(hop, isIP(hop) === 4 ? 'ipv4' : 'ipv6')) break
  }
  return formatIpAddress(parseIpAddress(client)!)
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
}

function rowFrom(i: number, random: (size: number) => Uint8Array, keyring: ReturnType<typeof createKeyring>) {
  const idBytes = newId(random, `user ${i}`)
  const fact = { method: 'pwd', at: 1_000, strength: 1 } as const
  const generation = (kind: Generation['kind']): Generation => ({
    hash: Buffer.from(random(32)),
    salt: Buffer.from(random(32)),
    kind,
    replacedAt: 5_000,
    confirmedAt: 6_000,
    facts: kind === 'elevation' ? [fact] : undefined,
  })
  const record: SessionRecord = {
    id: encodeId(idBytes),
    idBytes,
    version: 1,
    epoch: 0,
    subject: i === 0 ? undefined : `user ${i}`,
    isPersistent: i % 2 === 0,
    currentHash: hashSecret(random(32)),
    generationAt: 4_000,
    confirmedAt: i % 3 === 0 ? undefined : 4_500,
    lineage: Array.from({ length: i % 5 }, (_, at) => generation(at % 2 ? 'elevation' : 'renewal')),
    startedAt: 1_000,
    absoluteFrom: 1_000,
    lastSeenAt: 4_000,
    idleDeadline: 9_000,
    absoluteDeadline: 90_000,
    details: { facts: [fact], device: i % 2 ? 'Firefox on Linux' : undefined },
    sealedData: i % 4 === 3 ? new Uint8Array(0) : sealData(Buffer.from(`1{"n":${i}}`), idBytes, keyring, random),
  }
  const stored: StoredRecord = { ...encodeRecord(record, keyring), version: 1, epoch: 0 }
  return { record, stored }
}
