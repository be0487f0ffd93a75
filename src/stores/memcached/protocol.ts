/** The part of memcached's binary protocol that is used. Servers answer a connection's requests in the order they came. */

export const Opcode = {
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  increment: 0x05,
  getWithKey: 0x0c,
  authenticate: 0x21,
} as const

export const Status = { ok: 0x00, notFound: 0x01, exists: 0x02, tooLarge: 0x03, notStored: 0x05, outOfMemory: 0x82 } as const

export interface Request {
  readonly opcode: number
  readonly key: string
  /** Only if the item is still as it was when this came with it. */
  readonly cas?: Buffer | undefined
  readonly extras?: Buffer | undefined
  readonly value?: Uint8Array | undefined
}

export interface Answer {
  readonly opcode: number
  readonly status: number
  /** What the request was numbered with. */
  readonly opaque: number
  /** Changes with every write of the item. */
  readonly cas: Buffer
  readonly key: Buffer
  readonly value: Buffer
}

const HEADER = 24
const REQUEST = 0x80
const ANSWER = 0x81
const NOTHING = Buffer.alloc(0)

export function encodeRequest({ opcode, key, cas, extras = NOTHING, value = NOTHING }: Request, opaque: number): Buffer {
  const keyLength = Buffer.byteLength(key)
  const bodyLength = extras.length + keyLength + value.length
  const bytes = Buffer.allocUnsafe(HEADER + bodyLength)
  bytes.fill(0, 0, HEADER)
  bytes[0] = REQUEST
  bytes[1] = opcode
  bytes.writeUInt16BE(keyLength, 2)
  bytes[4] = extras.length
  bytes.writeUInt32BE(bodyLength, 8)
  bytes.writeUInt32BE(opaque, 12)
  if (cas !== undefined) bytes.set(cas, 16)
  bytes.set(extras, HEADER)
  bytes.write(key, HEADER + extras.length)
  bytes.set(value, HEADER + extras.length + keyLength)
  return bytes
}

/** Cuts what one connection receives into answers. */
export class AnswerReader {
  #chunks: Buffer[] = []
  #length = 0
  #needed = HEADER

  /**
   * Gives the answers that are whole now.
   *
   * @throws {Error} When the bytes are no answers: whatever is at the other end, nothing it says can be used.
   */
  read(chunk: Buffer): Answer[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // A large value comes in many chunks: they are put together once, not once a chunk.
    if (this.#length < this.#needed) return []
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length)
    const answers: Answer[] = []
    for (;;) {
      this.#needed = rest.length < HEADER ? HEADER : lengthOf(rest)
      if (rest.length < this.#needed) break
      answers.push(answerIn(rest.subarray(0, this.#needed)))
      rest = rest.subarray(this.#needed)
    }
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    return answers
  }
}

function lengthOf(bytes: Buffer): number {
  if (bytes[0] !== ANSWER) throw new Error('The other end does not speak memcached’s binary protocol.')
  return HEADER + bytes.readUInt32BE(8)
}

function answerIn(bytes: Buffer): Answer {
  const keyAt = HEADER + bytes[4]!
  const valueAt = keyAt + bytes.readUInt16BE(2)
  return {
    opcode: bytes[1]!,
    status: bytes.readUInt16BE(6),
    opaque: bytes.readUInt32BE(12),
    cas: bytes.subarray(16, HEADER),
    key: bytes.subarray(keyAt, valueAt),
    value: bytes.subarray(valueAt),
  }
}
