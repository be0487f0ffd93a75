/** The packages this entry needs, loaded when a detector is made. */
import { createRequire } from 'node:module'
import { ConfigError } from '../../core/errors.ts'

const NEEDED_FOR = { bowser: 'to tell browsers apart', 'mmdb-lib': 'to read MaxMind databases' } as const

const load = createRequire(import.meta.url)

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - it is not installed. */
export function packageOf<T>(name: keyof typeof NEEDED_FOR, require: (name: string) => unknown = load): T {
  try {
    return require(name) as T
  } catch (cause) {
    throw new ConfigError(
      `sojourn/monitor/anomalies needs the package '${name}' ${NEEDED_FOR[name]}; install it: npm install ${name}. See docs/guide/anomalies.md.`,
      { code: 'ERR_CONFIG_INVALID', cause },
    )
  }
}
