/**
 * Text that may hold NUL. SQLite keeps such text whole, but `node:sqlite` of Node 22 reads it back only up to the NUL, which
 * would turn one subject into another. So it is kept as a BLOB of its UTF-8 bytes; a BLOB never equals a TEXT in SQLite, hence
 * no two strings meet in one value. All other text stays TEXT, readable in the `sqlite3` shell.
 */
export function toColumn(text: string): string | Uint8Array {
  return text.includes('\0') ? Buffer.from(text, 'utf8') : text
}

/** Undoes `toColumn`. */
export function fromColumn(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
}

/** The same for what may be missing. */
export const toNullableColumn = (text: string | undefined) => (text === undefined ? null : toColumn(text))

export const fromNullableColumn = (value: string | Uint8Array | null) => (value === null ? undefined : fromColumn(value))
