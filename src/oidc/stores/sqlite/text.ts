/**
 * Text for columns that keep what they are given. `node:sqlite` of Node 22 reads text only up to a NUL, which would turn one subject into
 * another: such text goes as its UTF-8 bytes, which equal no text in SQLite. All other text stays readable in the `sqlite3` shell.
 */
export const toCell = (text: string): string | Uint8Array => (text.includes('\0') ? Buffer.from(text) : text)

/** Undoes `toCell`. */
export const fromCell = (cell: string | Uint8Array): string => (typeof cell === 'string' ? cell : Buffer.from(cell).toString())
