/**
 * The packages this entry needs, loaded when a check is made: whoever looks at addresses alone needs no database reader. By `require`,
 * because an adapter takes its guards without waiting; all three packages offer themselves that way.
 */
import { createRequire } from 'node:module'
import { ConfigError } from '../../core/errors.ts'

const NEEDED_FOR = {
  bowser: 'to tell browsers apart',
  'ipaddr.js': 'to read addresses',
  'mmdb-lib': 'to read MaxMind databases',
} as const

type Load = (name: string) => unknown

const load: Load = createRequire(import.meta.url)

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - it is not installed. */
export function packageOf<T>(name: keyof typeof NEEDED_FOR, require: Load = load): T {
  try {
    return require(name) as T
  } catch (cause) {
    throw new ConfigError(
      `sojourn/traits needs the package '${name}' ${NEEDED_FOR[name]}; install it: npm install ${name}. See docs/guide/traits.md.`,
      { code: 'ERR_CONFIG_INVALID', cause },
    )
  }
}
