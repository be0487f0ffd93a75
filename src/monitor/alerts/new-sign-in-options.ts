/** What `newSignInNotice` takes and gives. */
import { days, hours } from '../../core/duration.ts'
import type { Service } from '../../core/service.ts'
import { checkNames, invalid, within } from './invalid.ts'

/** A sign-in, as the person is told of it. */
export interface SignIn {
  readonly subject: string
  readonly sessionId: string
  readonly at: number
  /** RFC 8176 names of how it was proved. */
  readonly methods: readonly string[]
  /** Level that is still due: whoever it is knows the password, and has not proved the second factor yet. */
  readonly pending: string | undefined
  /** Issuer of the OpenID provider that it came from. */
  readonly provider: string | undefined
  /** Name of the device as lists show it, from what it says of itself; `undefined` where nobody knows. Escape it. */
  readonly device: string | undefined
}

/** Options of `newSignInNotice`. */
export interface NewSignInOptions {
  /**
   * Tells the person, by mail say: what happened, and a link to a page of yours with the token, `https://shop.example/not-me?token=...`. A rejection is tried again for
   * an hour, with the same token. Put the token nowhere else: whoever has it can end the session, and nothing more.
   */
  readonly tell: (signIn: SignIn & { readonly token: string }, signal: AbortSignal) => Promise<unknown> | unknown
  /**
   * Which sign-ins are new. Default: those from a device whose name none of the person's sessions that are alive has; all of them, where the store cannot list.
   *
   * The name is what the browser says of itself: who attacks one person can guess it. Where that matters, ask the anomaly detection, or tell of every sign-in.
   * When it throws, the sign-in is new.
   *
   * @param isNewDevice - What the default says.
   */
  readonly isNew?: (signIn: SignIn, isNewDevice: boolean) => boolean | Promise<boolean>
  /** How long a link works, in milliseconds. Default `days(7)`; 1 hour to 30 days. Who reads old mail can end the session for so long. */
  readonly lifetime?: number
  /**
   * What the link ends: that `session`, with the later ones of the same device, which were not told of because of it; or `all` of the person's. Default `session`.
   */
  readonly ends?: 'session' | 'all'
  /**
   * Notices to one person a day. Default 10; 1 to 1,000. The last one ends all sessions: whoever signs in again and again, to hide one among many or until nobody is
   * told, is not spared by it.
   */
  readonly mostPerDay?: number
}

/** What a link is good for, for the page that shows it. It names nobody. */
export type NoticeState =
  | {
      readonly state: 'open'
      readonly at: number
      readonly device: string | undefined
      readonly methods: readonly string[]
      readonly ends: 'session' | 'all'
      readonly deadline: number
    }
  /** `used`: the sign-in was disowned already. `unknown`: it is none, or its time is over. */
  | { readonly state: 'used' | 'unknown' }

/** What came of it. */
export type Disowned =
  | {
      readonly ok: true
      readonly subject: string
      readonly sessionId: string
      /** How many sessions it ended; 0 when it had ended, `undefined` where the store cannot count them. */
      readonly count: number | undefined
      /** Somebody else knows the password: take it out of use, and ask for a new one before the next sign-in. */
      readonly needsNewPassword: true
    }
  | { readonly ok: false; readonly reason: 'used' | 'unknown' }

/** Notices at work. */
export interface NewSignInNotice {
  /**
   * What the link of this token is about. Changes nothing: answer a GET with it, whoever sends it.
   *
   * @param token - Whatever came; any string, hostile ones included.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - not known; answer 503.
   */
  describe(token: unknown): Promise<NoticeState>
  /**
   * Ends what the link is about, once. Call it for a POST alone, from a form on the page that `describe` fills.
   *
   * @returns With `ok`, lock the password at once, and send the person to where they choose a new one by another proof than the old one.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may still be alive; the link works again.
   */
  confirm(token: unknown): Promise<Disowned>
  /** Resolves when the person of each sign-in until now is told, or cannot be. For tests and jobs. */
  drained(): Promise<void>
  /** Stops listening and tells of what waits, for at most `timeout` milliseconds (default 5,000). */
  close(options?: { readonly timeout?: number }): Promise<void>
}

const KNOWN: ReadonlySet<string> = new Set([
  'tell',
  'isNew',
  'lifetime',
  'ends',
  'mostPerDay',
] satisfies (keyof NewSignInOptions)[])
const WHAT = 'newSignInNotice'

/** The options, checked and complete. */
export type NoticeSettings = Required<Omit<NewSignInOptions, 'isNew'>> & Pick<NewSignInOptions, 'isNew'>

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up. */
export function resolveNotice({ config }: Service, options: NewSignInOptions): NoticeSettings {
  checkNames(WHAT, options, KNOWN)
  const { tell, isNew, ends = 'session' } = options
  if (typeof tell !== 'function')
    throw invalid(WHAT, 'tell is no function', 'one that tells the person', 'nobody would hear of it')
  if (isNew !== undefined && typeof isNew !== 'function')
    throw invalid(WHAT, 'isNew is no function', 'one that says whether a sign-in is new', 'it decides who is told')
  if (ends !== 'session' && ends !== 'all')
    throw invalid(WHAT, 'ends is neither word', "'session' or 'all'", 'the link would end nothing')
  const { carries, revokesSubjects } = config.store.capabilities
  if ((carries !== undefined || ends === 'all') && !revokesSubjects)
    throw invalid(WHAT, `the store '${config.store.name}' cannot end sessions`, 'one that can', 'the link would end nothing')
  return {
    tell,
    ...(isNew && { isNew }),
    ends,
    lifetime: within(WHAT, 'lifetime', options.lifetime, days(7), hours(1), days(30)),
    mostPerDay: within(WHAT, 'mostPerDay', options.mostPerDay, 10, 1, 1000),
  }
}
