/**
 * Durations in milliseconds, the only unit inside Sojourn. Seconds exist on the wire alone
 * (cookies, headers) and are converted in the one file that writes them.
 */

/**
 * Turns seconds into milliseconds.
 *
 * @param count - Seconds, any finite number.
 * @example
 * seconds(30) // 30_000
 */
export const seconds = (count: number): number => count * 1_000

/**
 * Turns minutes into milliseconds.
 *
 * @param count - Minutes, any finite number.
 * @example
 * minutes(15) // 900_000
 */
export const minutes = (count: number): number => count * 60_000

/**
 * Turns hours into milliseconds.
 *
 * @param count - Hours, any finite number.
 * @example
 * hours(12) // 43_200_000
 */
export const hours = (count: number): number => count * 3_600_000

/**
 * Turns days of 24 hours into milliseconds.
 *
 * @param count - Days, any finite number.
 * @example
 * days(30) // 2_592_000_000
 */
export const days = (count: number): number => count * 86_400_000
