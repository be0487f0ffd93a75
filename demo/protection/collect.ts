/** Puts together what protects a visit, from what the session, the request and its answer show. */
import { minutes } from 'sojourn'
import { traitsOf } from 'sojourn/traits'
import type { Shop, ShopRequest } from '../shop.ts'
import { duration } from '../words.ts'
import type { ShopGuards } from './guards.ts'
import type { Protection } from './protection.ts'

interface Means {
  readonly shop: Shop
  readonly guards: ShopGuards
  /** What an answer carries. */
  readonly headers: Headers
}

/** The same layers in the same order with the same terms each time: the page's script changes the words in place. */
export function protectionsOf(req: ShopRequest, { shop, guards, headers }: Means): readonly Protection[] {
  return [device(req, shop, guards), traits(req, shop), token(req, shop), requests(req), pages(headers, shop)]
}

const BINDING_WORDS: Readonly<Record<string, string>> = {
  'not-checked': 'nobody checks it here',
  'not-offered': 'no key was asked for',
  'not-registered': 'it was asked for a key and made none',
}

function device({ session }: ShopRequest, { isTls, store }: Shop, { binding }: ShopGuards): Protection {
  const { state, reason } = session.binding
  const strength = state === 'bound' ? 'strong' : state === 'pending' ? 'fair' : 'none'
  const headline =
    session.subject === undefined
      ? 'Nothing to bind yet: sign in first.'
      : state === 'bound'
        ? 'This visit is bound to this device. Its cookies are worth nothing anywhere else.'
        : state === 'pending'
          ? 'Your browser was asked for a key of its own a moment ago.'
          : binding === undefined
            ? isTls
              ? `Visits are kept in ${store.choice.kind === 'cookie' ? 'the cookie itself' : 'a store'}, which a device’s key cannot be added to.`
              : 'Only over HTTPS: start the shop with npm start -- --tls.'
            : 'Your browser holds no key for this visit. Chromium does when it is started as the shop’s first words say.'
  return {
    key: 'device',
    title: 'The device’s key',
    strength,
    headline,
    why: 'The browser makes a key that never leaves the device and signs with it every few minutes (Device Bound Session Credentials).',
    facts: [
      ['State', state],
      [
        'Why',
        reason === undefined
          ? state === 'bound'
            ? 'the key was proved'
            : 'waiting for the browser'
          : (BINDING_WORDS[reason] ?? reason),
      ],
    ],
  }
}

function traits({ session }: ShopRequest, { isTls }: Shop): Protection {
  const { seen, drift } = traitsOf(session)
  const browser = seen && `${seen.browser ?? 'a program we do not know'}${seen.version === undefined ? '' : ` ${seen.version}`}`
  return {
    key: 'traits',
    title: 'What your browser shows',
    strength: seen === undefined ? 'none' : drift === undefined && isTls ? 'strong' : 'fair',
    headline:
      seen === undefined
        ? 'Looked at once there is a visit to protect.'
        : drift === undefined
          ? 'The same browser, system and network as when this visit began.'
          : drift.reason,
    why: `Kept as keyed hashes, never as they are. Another system or another browser ends the visit; a new version is noted; a phone may move.${isTls ? '' : ' Without HTTPS it is only looked at.'}`,
    facts: [
      ['Browser', browser ?? 'not looked at'],
      ['System', seen === undefined ? 'not looked at' : (seen.os ?? 'unknown')],
      ['Latest change', drift === undefined ? 'none' : drift.changes.join(', ')],
      ['What was done', drift === undefined ? 'nothing' : drift.isShadow ? `nothing; over HTTPS: ${drift.grade}` : drift.grade],
    ],
  }
}

function token({ session }: ShopRequest, { policy }: Shop): Protection {
  const now = Date.now()
  const { rotatedAt, idleDeadline, absoluteDeadline } = session
  const hasToken = rotatedAt !== undefined
  const left = Math.min(idleDeadline ?? now, absoluteDeadline ?? now) - now
  return {
    key: 'token',
    title: 'The token in your cookie',
    strength: hasToken ? 'strong' : 'none',
    headline: hasToken
      ? 'Replaced every quarter of an hour. One that comes back after it was replaced ends the visit.'
      : 'No cookie, no token, nothing to steal.',
    why: 'It is 256 random bits. We keep only its hash, no script can read it, and it is sent to this host alone.',
    facts: [
      [
        'Proved so far',
        session.subject === undefined ? 'nothing' : `${session.acr}: ${session.facts.map(({ method }) => method).join(', ')}`,
      ],
      ['Made', hasToken ? `${duration(now - rotatedAt)} ago` : 'not yet'],
      ['Next rotation', hasToken ? `within ${duration(Math.max(0, rotatedAt + minutes(15) - now))} of use` : 'none'],
      ['Ends if unused', hasToken ? `in ${duration(left)}` : 'never began'],
      ['Longest visit', duration(policy.absoluteTimeout)],
    ],
  }
}

function requests(req: ShopRequest): Protection {
  const site = req.get('Sec-Fetch-Site')
  return {
    key: 'requests',
    title: 'Requests in your name',
    strength: site === undefined ? 'fair' : 'strong',
    headline:
      site === undefined
        ? 'Your browser does not say where its requests begin, so every form here carries a token.'
        : 'Your browser says where each request begins. What another site makes it send is refused before we look at it.',
    why: 'Another site’s page cannot buy, change or sign out anything here with your cookie (cross-site request forgery).',
    facts: [
      ['Checked first', 'Sec-Fetch-Site, then Origin, then Referer, else a token of this visit'],
      ['May act here', 'pages of this address alone'],
    ],
  }
}

const SHOWN = ['Content-Security-Policy', 'Referrer-Policy', 'Cross-Origin-Opener-Policy'] as const

function pages(headers: Headers, { isTls }: Shop): Protection {
  return {
    key: 'pages',
    title: 'The pages themselves',
    strength: isTls ? 'strong' : 'fair',
    headline: 'No script but our own runs, and nobody can put a page of ours into theirs.',
    why: 'A script that got into a page anyway finds no token to take. Pages that are yours alone add a nonce that changes each time.',
    facts: [
      ...SHOWN.map((name) => [name, headers.get(name) ?? 'not sent'] as const),
      ['Strict-Transport-Security', 'not on localhost, where it would hold for every other server too'],
    ],
  }
}
