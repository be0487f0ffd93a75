/**
 * What comes in at the edge of a session, checked before anything believes it: the entry `sojourn/input`. `validInput` is for values, `returnTo`
 * for the one value every sign-in form carries, the address to go on to.
 */

export type { ReturnToOptions } from './input/return-to.ts'
export { returnTo } from './input/return-to.ts'
export type { InputIssue, InputLimits, InputResult } from './input/valid-input.ts'
export { validInput } from './input/valid-input.ts'
