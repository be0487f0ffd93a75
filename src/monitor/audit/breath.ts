/**
 * Lets requests have their turn. A store in this process answers without one: whoever reads a million entries from it page by page would otherwise hold everything up until
 * the end.
 */
export const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
