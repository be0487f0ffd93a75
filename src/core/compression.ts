/** The one file that touches `node:zlib`. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Compresses (RFC 1951); `undefined` where that saves less than a tenth and is not worth undoing at every read. */
export function deflated(bytes: Uint8Array): Buffer | undefined {
  const result = deflateRawSync(bytes)
  return result.length < bytes.length * 0.9 ? result : undefined
}

/** Undoes it; `undefined` for what was not made by `deflated`, or would grow over `most` bytes. */
export function inflated(bytes: Uint8Array, most: number): Buffer | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: most })
  } catch {
    return undefined
  }
}
