/** Options of the person's own page, and their checks at start-up. */
import { checkAcr, type Requirement } from '../../core/assurance.ts'
import { minutes } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import { isPage } from '../../http/assurance-pages.ts'
import type { NotMe } from './acts.ts'
import type { AccountNotice } from './notice.ts'
import type { AccountAudit, ListedSession } from './overview.ts'
import { type AccountWords, wordsWith } from './words.ts'

/** What a layout gets. */
export interface AccountPart {
  /** For `<title>`. Text: escape it. */
  readonly title: string
  /** The part as markup, escaped: one `<div class="sja">` with an `<h1>`, for your `<main>`. */
  readonly markup: string
  /** Path of its stylesheet, for `<link rel="stylesheet">`. Every rule in it begins with `.sja`. */
  readonly stylesheet: string
  /** Language of its words. */
  readonly lang: string
  readonly subject: string
}

/** What a layout may answer with. */
export type AccountLayout = (part: AccountPart) => AccountDocument | Promise<AccountDocument>

/** A whole document, or one with headers in place of the part's own. */
export type AccountDocument = string | { readonly html: string; readonly headers?: Readonly<Record<string, string>> }

/** Options of `accountPages`. */
export interface AccountPagesOptions {
  /** Where the pages are: a plain path. Default `/account/devices`. */
  readonly path?: string
  /**
   * What must be proved, and how recently, before anything ends but the person's own session here. Default `{ acr: 'aal1', maxAge: minutes(15) }`: any one factor of the
   * last quarter of an hour.
   *
   * With a `maxAge` of more than an hour whoever finds an open browser, or has stolen a cookie, signs the owner out of everything; it is reported as `safety.lowered`. ASVS 5.0, 7.5.2 asks
   * for at least one factor.
   */
  readonly requirement?: Requirement
  /**
   * Told when a person says that a session was not theirs, after it has ended: mark the account so that its next sign-in asks for a new password. When it fails, the
   * person is told so and may try again; it may be called twice.
   *
   * Default: nobody is told. Who knows the password then signs in again.
   */
  readonly onNotMe?: (notMe: NotMe) => unknown
  /** Path of your page where a password is changed; the page after "this wasn't me" leads there. Default: no link. */
  readonly passwordPage?: string
  /** Where a person goes who signed out here. Default `/`. */
  readonly signedOutPage?: string
  /**
   * The audit log, for what happened lately: `auditLog` of `sojourn/monitor/audit`, or anything with its `search`. Entries of other people, and of types that mean nothing to
   * people, are left out whatever it gives. Default: what is known of the sessions themselves, that is, when each of them signed in.
   */
  readonly audit?: AccountAudit
  /**
   * Notices of new sign-ins, `newSignInNotice` of `sojourn/monitor/alerts`: the page `notice` below `path` is then where the link of a mail leads,
   * `https://shop.example/account/devices/notice?token=...`. It needs no sign-in: the link is the proof. Default: no such page.
   */
  readonly notice?: AccountNotice
  /** Words for where a session is, such as a city, from what you have recorded. Default: the network's prefix, where the session has one. Never give an address. */
  readonly place?: (session: ListedSession) => string | undefined
  /** Your site's name, and any other words. Text, not markup. */
  readonly words?: Partial<AccountWords>
  /**
   * Puts the part into a page of your own. Default: a page with nothing else.
   *
   * The answer keeps the part's headers, with a `Content-Security-Policy` that lets in styles, scripts, pictures and fonts of your own site only; `headers` in what it
   * gives replaces them by name. Markup of yours is not checked: escape what you put in.
   */
  readonly layout?: AccountLayout
}

/** Checked. */
export interface AccountSettings extends Required<Pick<AccountPagesOptions, 'path' | 'signedOutPage' | 'requirement' | 'place'>> {
  readonly onNotMe: AccountPagesOptions['onNotMe']
  readonly passwordPage: string | undefined
  readonly audit: AccountAudit | undefined
  readonly notice: AccountNotice | undefined
  readonly words: AccountWords
  readonly layout: AccountLayout | undefined
  readonly isLowered: boolean
}

const KNOWN: ReadonlySet<string> = new Set([
  'path',
  'requirement',
  'onNotMe',
  'passwordPage',
  'signedOutPage',
  'audit',
  'notice',
  'place',
  'words',
  'layout',
] satisfies (keyof AccountPagesOptions)[])

/** @throws {ConfigError} `ERR_CONFIG_INVALID` */
export function accountSettings(options: AccountPagesOptions): AccountSettings {
  for (const name of Object.keys(options))
    if (!KNOWN.has(name)) throw invalid(`${name} is no option`, `one of ${[...KNOWN].join(', ')}`)
  const { path = '/account/devices', signedOutPage = '/', passwordPage, requirement = {}, words, place = networkOf } = options
  for (const [name, page] of Object.entries({ path, signedOutPage, passwordPage }))
    if (page !== undefined && !isPage(page))
      throw invalid(`${name} is no plain path`, `one such as '/account/devices', without query`)
  if (path.endsWith('/')) throw invalid('path ends with a slash', "one such as '/account/devices'")
  for (const name of ['onNotMe', 'place', 'layout'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function') throw invalid(`${name} is no function`, 'a function')
  if (options.audit !== undefined && typeof options.audit?.search !== 'function')
    throw invalid('audit has no search', 'what auditLog gave')
  if (
    options.notice !== undefined &&
    [options.notice?.describe, options.notice?.confirm].some((one) => typeof one !== 'function')
  )
    throw invalid('notice has no describe and confirm', 'what newSignInNotice gave')
  const { acr = 'aal1', maxAge = minutes(15) } = requirement
  checkAcr(acr)
  if (!(maxAge >= 1000)) throw invalid('requirement.maxAge is under a second', 'milliseconds, such as minutes(15)')
  const isLowered = acr === 'aal0' || maxAge > LONGEST_PROOF
  return {
    path,
    signedOutPage,
    passwordPage,
    requirement: { acr, maxAge },
    onNotMe: options.onNotMe,
    audit: options.audit,
    notice: options.notice,
    place,
    words: wordsWith(words),
    layout: options.layout,
    isLowered,
  }
}

/** A proof of longer ago does not count as having authenticated again. */
const LONGEST_PROOF = minutes(60)

function networkOf({ network }: ListedSession): string | undefined {
  return network
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`accountPages: ${given}; expected ${expected}. See docs/guide/account-page.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
