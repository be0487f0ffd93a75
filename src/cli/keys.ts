/** `sojourn keys`: prints a fresh key for `createSessions({ keys })`. */
import { randomBytes } from 'node:crypto'

export const keys = {
  summary: 'Print a new key for SESSION_KEYS; --count N prints N, newest first.',
  run(args: readonly string[]): number {
    const count = args.length === 0 ? 1 : args[0] === '--count' && args.length === 2 ? Number(args[1]) : Number.NaN
    if (!Number.isInteger(count) || count < 1 || count > 16) {
      process.stderr.write('sojourn keys: expected nothing, or --count with a number from 1 to 16.\n')
      return 2
    }
    const texts = Array.from({ length: count }, () => randomBytes(32).toString('base64url'))
    process.stdout.write(`${texts.join(',')}\n`)
    return 0
  },
}
