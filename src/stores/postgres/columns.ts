/** How values travel: ids as 16 bytes, texts as UTF-8 bytes, bytes back as hexadecimal text, whatever `bytea_output` says. */

// 22 characters hold 132 bits: the last one of an id ends in four zero bits, else two texts would be one id.
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** The parameter for an id; `undefined` if no record can have it. */
export function idParameter(id: string): Buffer | undefined {
  return ID.test(id) ? Buffer.from(id, 'base64url') : undefined
}

/** The id in a `uuid` column. */
export function idFromColumn(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}

export const textParameter = (text: string): Buffer => Buffer.from(text, 'utf8')

export const bytesFromHex = (hex: string | null): Uint8Array => Buffer.from(hex ?? '', 'hex')

/** An instant for a `bigint` column: a fraction of a millisecond is dropped, so that nothing lasts longer than was asked for. */
export const instantParameter = (instant: number): number => Math.floor(instant)

// Oids of PostgreSQL's built-in types never change.
const BOOL = 16
const INTEGERS = new Set([20, 21, 23])

const toBoolean = (text: string) => text === 't'
const asIs = (text: string) => text

/** Parsers of the columns our statements answer. Instants and counts are far below 2^53. */
export const columnTypes = {
  getTypeParser(oid: number): (text: string) => unknown {
    if (INTEGERS.has(oid)) return Number
    return oid === BOOL ? toBoolean : asIs
  },
}
