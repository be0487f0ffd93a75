/**
 * Permissions-Policy: what neither a page nor a script injected into it may ask the browser for (W3C Permissions Policy). The header
 * has a syntax of its own (RFC 9651): origins in double quotes, `self` without any. Here the notation is that of the list.
 */
import { ConfigError } from '../../core/errors.ts'

/** Features a page may be refused, as browsers name them. */
export const FEATURES = [
  'accelerometer',
  'ambient-light-sensor',
  'attribution-reporting',
  'autoplay',
  'bluetooth',
  'browsing-topics',
  'camera',
  'clipboard-read',
  'clipboard-write',
  'compute-pressure',
  'cross-origin-isolated',
  'deferred-fetch',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'keyboard-map',
  'local-fonts',
  'local-network-access',
  'magnetometer',
  'microphone',
  'midi',
  'otp-credentials',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'speaker-selection',
  'storage-access',
  'sync-xhr',
  'unload',
  'usb',
  'web-share',
  'window-management',
  'xr-spatial-tracking',
] as const

export type PermissionsFeature = (typeof FEATURES)[number]

/** Who may use a feature: `[]` for nobody, `'self'`, `'*'` or origins. `false` leaves it to the browser. */
export type Permissions = { readonly [Feature in PermissionsFeature]?: readonly string[] | false }

/** What a page with sessions hardly needs, and what an attacker in it would like most. */
export const REFUSED: Permissions = {
  camera: [],
  'display-capture': [],
  geolocation: [],
  hid: [],
  microphone: [],
  midi: [],
  payment: [],
  serial: [],
  usb: [],
}

/**
 * The header's value; `undefined` when nothing is left to say.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - an unknown feature, or something that is no origin.
 */
export function permissionsPolicy(permissions: Permissions): string | undefined {
  const parts = Object.entries(permissions).flatMap(([feature, allowed]) => {
    if (allowed === undefined || allowed === false) return []
    if (!(FEATURES as readonly string[]).includes(feature))
      throw invalid(`${JSON.stringify(feature.slice(0, 64))} is no feature of Permissions-Policy that browsers know`)
    if (!Array.isArray(allowed)) throw invalid(`permissions.${feature} is no list; expected [] for nobody, ['self'] or origins`)
    return `${feature}=${allowList(feature, allowed)}`
  })
  return parts.length === 0 ? undefined : parts.join(', ')
}

function allowList(feature: string, allowed: readonly unknown[]): string {
  if (allowed.length === 1 && allowed[0] === '*') return '*'
  return `(${allowed.map((who) => (who === 'self' ? who : `"${originOf(feature, who)}"`)).join(' ')})`
}

/** Plain marks only: URL parsing leaves a quote or a bracket in a host as it is. */
const ORIGIN = /^https?:\/\/[a-z0-9.:_[\]-]+$/

function originOf(feature: string, who: unknown): string {
  if (typeof who === 'string' && ORIGIN.test(who) && URL.canParse(who) && new URL(who).origin === who) return who
  throw invalid(`permissions.${feature} names something that is no origin; expected 'self' or one such as 'https://maps.example'`)
}

function invalid(message: string): ConfigError {
  return new ConfigError(`securityHeaders: ${message}. See docs/guide/headers.md.`, { code: 'ERR_CONFIG_INVALID' })
}
