/**
 * What stands around a session: trait checks, the defence against forged requests, security headers. Each is counted above the same session
 * without any of them, asked in the same way: as Chromium asks for a page, and as it posts to the page's own site.
 */
import { csrfCsrf } from '../peers/csrf-csrf.ts'
import { fastifyCsrfProtection } from '../peers/fastify-csrf.ts'
import { newHelmet } from '../peers/helmet.ts'
import { protectedOnExpress, protectedOnFastify, protectedOnNode } from './protected.ts'
import type { Asked, Proof, Variant } from './variant.ts'

/** What Chromium sends of itself with every request (version 156 on Linux). */
const BROWSER = {
  'sec-ch-ua': '"Chromium";v="156", "Not)A;Brand";v="24"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9',
}

const GET: Asked = {
  method: 'GET',
  headers: {
    ...BROWSER,
    'Upgrade-Insecure-Requests': '1',
    Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-User': '?1',
    'Sec-Fetch-Dest': 'document',
    Referer: 'http://127.0.0.1/',
  },
}

const POST: Asked = {
  method: 'POST',
  headers: {
    ...BROWSER,
    Accept: '*/*',
    Origin: 'http://127.0.0.1',
    'Sec-Fetch-Site': 'same-origin',
    'Sec-Fetch-Mode': 'cors',
    'Sec-Fetch-Dest': 'empty',
    Referer: 'http://127.0.0.1/',
  },
}

/** What another site's page makes a browser send, and who does not have the token sends. */
const FORGED: Proof = { headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://elsewhere.example' }, status: 403 }
/** Whoever copied the cookie. */
const STOLEN: Proof = {
  headers: {
    'User-Agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0',
    'sec-ch-ua': undefined,
    'sec-ch-ua-mobile': undefined,
    'sec-ch-ua-platform': undefined,
  },
  status: 401,
}
const POLICY: Proof = { headers: {}, status: 200, has: 'content-security-policy' }

const ASKED = { GET, POST }
type On = 'node:http' | 'express' | 'fastify'

interface Row extends Pick<Variant, 'prepare'> {
  readonly kind?: Variant['kind']
  readonly proofs?: readonly Proof[]
  readonly peers?: readonly string[]
  readonly needsPeers?: boolean
}

/** A row's name: on what, asked how, and what there is beside the session. */
export const protectionName = (on: On, method: keyof typeof ASKED, what?: string) =>
  `${on} ${method} + session${what === undefined ? '' : `, ${what}`}`

function rows(on: On, method: keyof typeof ASKED, all: Readonly<Record<string, Row>>): Variant[] {
  return Object.entries(all).map(([what, { peers = [], ...row }]) => ({
    name: protectionName(on, method, what || undefined),
    bare: protectionName(on, method),
    kind: row.needsPeers ? 'peer' : 'sojourn',
    groups: ['protections'],
    asked: ASKED[method],
    peers: peers.map((peer) => protectionName(on, method, peer)),
    ...row,
  }))
}

const ALL = { traits: true, csrf: true, headers: true } as const
/** The name of everything together. */
export const TOGETHER = 'traits + csrf + headers'

export const PROTECTIONS: readonly Variant[] = [
  ...rows('node:http', 'GET', {
    '': { kind: 'bare', prepare: protectedOnNode({}) },
    traits: { proofs: [STOLEN], prepare: protectedOnNode({ traits: true }) },
    csrf: { prepare: protectedOnNode({ csrf: true }) },
    headers: { proofs: [POLICY], peers: ['helmet'], prepare: protectedOnNode({ headers: true }) },
    [TOGETHER]: { proofs: [POLICY, STOLEN], prepare: protectedOnNode(ALL) },
    helmet: { needsPeers: true, proofs: [POLICY], prepare: protectedOnNode({ first: newHelmet }) },
  }),
  ...rows('node:http', 'POST', {
    '': { kind: 'bare', prepare: protectedOnNode({}) },
    traits: { proofs: [STOLEN], prepare: protectedOnNode({ traits: true }) },
    csrf: { proofs: [FORGED], prepare: protectedOnNode({ csrf: true }) },
    'csrf with a token': { proofs: [FORGED], prepare: protectedOnNode({ csrf: 'token' }) },
    headers: { proofs: [POLICY], prepare: protectedOnNode({ headers: true }) },
    [TOGETHER]: { proofs: [FORGED, POLICY, STOLEN], prepare: protectedOnNode(ALL) },
  }),
  ...rows('express', 'POST', {
    '': { kind: 'bare', prepare: protectedOnExpress({}) },
    csrf: { proofs: [FORGED], peers: ['csrf-csrf'], prepare: protectedOnExpress({ csrf: true }) },
    'csrf with a token': { proofs: [FORGED], peers: ['csrf-csrf'], prepare: protectedOnExpress({ csrf: 'token' }) },
    headers: { proofs: [POLICY], peers: ['helmet'], prepare: protectedOnExpress({ headers: true }) },
    [TOGETHER]: { proofs: [FORGED, POLICY, STOLEN], peers: ['helmet, csrf-csrf'], prepare: protectedOnExpress(ALL) },
    helmet: { needsPeers: true, proofs: [POLICY], prepare: protectedOnExpress({ first: newHelmet }) },
    'csrf-csrf': { needsPeers: true, proofs: [FORGED], prepare: protectedOnExpress({ last: csrfCsrf }) },
    'helmet, csrf-csrf': {
      needsPeers: true,
      proofs: [FORGED, { ...POLICY, status: 403 }],
      prepare: protectedOnExpress({ first: newHelmet, last: csrfCsrf }),
    },
  }),
  ...rows('fastify', 'POST', {
    '': { kind: 'bare', needsPeers: true, prepare: protectedOnFastify({}) },
    csrf: {
      kind: 'sojourn',
      needsPeers: true,
      proofs: [FORGED],
      peers: ['@fastify/csrf-protection'],
      prepare: protectedOnFastify({ csrf: true }),
    },
    '@fastify/csrf-protection': { needsPeers: true, proofs: [FORGED], prepare: fastifyCsrfProtection },
  }),
]
