/** Why the shop cannot open, in one sentence that says what to do. `main.ts` prints it and exits with 1. */
export class StartError extends Error {}

/** The system's own word for a failure, such as `EACCES`. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
}
