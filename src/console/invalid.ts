import { ConfigError } from '../core/errors.ts'

/** Misuse found at start-up. */
export const invalidConsole = (given: string, expected: string): ConfigError =>
  new ConfigError(`The console: ${given}; expected ${expected}. See docs/guide/console.md.`, { code: 'ERR_CONFIG_INVALID' })
