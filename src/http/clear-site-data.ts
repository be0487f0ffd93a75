/** What the browser is told to forget at logout (W3C Clear Site Data; OWASP Session Management Cheat Sheet, "Web Content Caching"). */
import { ConfigError } from '../core/errors.ts'

/** A kind of data a browser keeps for a site. */
export type SiteData = 'cache' | 'cookies' | 'storage' | 'executionContexts' | 'clientHints' | '*'

/** The option beside the others of an adapter. */
export interface ClearSiteDataOptions {
  /**
   * What a browser clears when the person signs out. Default `['cache', 'storage']`: what this origin cached and stored.
   *
   * `cookies` reaches further than this site: every cookie of the whole registrable domain, its other subdomains included. `*` is everything
   * there is and ever will be. `false` sends no header; then whoever uses the same browser next may see cached pages with the back
   * button, and what scripts stored.
   */
  readonly clearSiteData?: readonly SiteData[] | false
}

const KNOWN: readonly SiteData[] = ['cache', 'cookies', 'storage', 'executionContexts', 'clientHints', '*']

/**
 * The header's value: quoted strings with commas between, since browsers ignore any other spelling.
 *
 * @returns `undefined` when nothing is to be cleared.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a kind of data there is not.
 */
export function clearSiteDataHeader(option: ClearSiteDataOptions['clearSiteData'] = ['cache', 'storage']): string | undefined {
  if (option === false) return undefined
  if (!Array.isArray(option) || !option.every((kind) => KNOWN.includes(kind))) {
    throw new ConfigError(
      `clearSiteData is no list of ${KNOWN.join(', ')}, and not false; expected one of these, because browsers ignore anything else and nothing ` +
        'would be cleared at logout. See docs/guide/logout.md.',
      { code: 'ERR_CONFIG_INVALID' },
    )
  }
  return option.length === 0 ? undefined : option.map((kind) => `"${kind}"`).join(', ')
}
