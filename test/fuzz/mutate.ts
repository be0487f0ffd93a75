/** Small random changes to valid inputs: far more of them get past the first check than of random bytes. */

/** Numbers from 0 up to, not including, `below`; the same ones for the same seed. */
export type Draw = (below: number) => number

/** xorshift32: fast, and good enough to choose mutations with. */
export function drawFrom(seed: number): Draw {
  let state = seed | 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const LETTERS = [
  'A',
  'Q',
  'g',
  'w',
  'B',
  '_',
  '-',
  '+',
  '/',
  '=',
  ';',
  ',',
  ' ',
  '\t',
  '"',
  '\\',
  '\0',
  '\n',
  '\r',
  '%',
  'é',
  '€',
  '\ud800',
  '👾',
]

/** Changes a text once to four times. */
export function mutateText(text: string, others: readonly string[], draw: Draw): string {
  let result = text
  for (let times = 1 + draw(4); times > 0; times--) result = mutateTextOnce(result, others, draw)
  return result
}

function mutateTextOnce(text: string, others: readonly string[], draw: Draw): string {
  const at = draw(text.length + 1)
  const letter = LETTERS[draw(LETTERS.length)]!
  switch (draw(9)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + letter + text.slice(at)
    case 2:
      return text.slice(0, at) + letter + text.slice(at + 1)
    case 3:
      return text.slice(0, at) + String.fromCharCode(draw(0x10000)) + text.slice(at + 1)
    case 4:
      return text.slice(0, at)
    case 5:
      return text.slice(at)
    case 6:
      return text.slice(0, at) + others[draw(others.length)]!.slice(draw(100))
    case 7:
      return text.slice(0, at) + letter.repeat(draw(40)) + text.slice(at)
    default: {
      const other = draw(text.length + 1)
      return (
        text.slice(0, Math.min(at, other)) +
        text.slice(Math.max(at, other)) +
        text.slice(Math.min(at, other), Math.max(at, other))
      )
    }
  }
}

/** Changes bytes once to four times. */
export function mutateBytes(bytes: Uint8Array, others: readonly Uint8Array[], draw: Draw): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let times = 1 + draw(4); times > 0; times--) result = mutateBytesOnce(result, others, draw)
  return result
}

function mutateBytesOnce(bytes: Buffer, others: readonly Uint8Array[], draw: Draw): Buffer {
  const at = draw(bytes.length + 1)
  const inside = Math.min(at, bytes.length - 1)
  switch (draw(8)) {
    case 0:
      if (inside >= 0) bytes[inside]! ^= 1 << draw(8)
      return bytes
    case 1:
      if (inside >= 0) bytes[inside] = [0, 1, 127, 128, 255][draw(5)]!
      return bytes
    case 2:
      return bytes.subarray(0, at)
    case 3:
      return bytes.subarray(at)
    case 4:
      return Buffer.concat([bytes, Buffer.alloc(draw(64), draw(256))])
    case 5:
      return Buffer.concat([bytes.subarray(0, at), others[draw(others.length)]!.subarray(at)])
    case 6:
      bytes.subarray(at, at + 8).fill(draw(2) * 255)
      return bytes
    default: {
      const from = draw(bytes.length + 1)
      bytes.copyWithin(at, from, from + draw(32))
      return bytes
    }
  }
}
