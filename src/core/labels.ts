/** What a store may index a session by beyond its subject: the names of its device and of its network, cut to what an index takes. */
import type { RecordLabels } from './store.ts'

const MOST_BYTES = 100

/** The labels of a session that starts. */
export function labelsOf({ device, network }: RecordLabels): RecordLabels {
  return { device: device === undefined ? undefined : labelOf(device), network }
}

/** A text as a label has it; the one that is searched for is cut the same way. */
export function labelOf(text: string): string {
  const wellFormed = text.toWellFormed()
  if (Buffer.byteLength(wellFormed) <= MOST_BYTES) return wellFormed
  const bytes = Buffer.from(wellFormed)
  let end = MOST_BYTES
  // Bytes that begin with 10 go on with a character.
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** The network as it is kept. A name that is cut would be that of another network, so it is kept whole or not at all. */
export function checkedNetwork(network: unknown): string | undefined {
  const isFit = typeof network === 'string' && network !== '' && labelOf(network) === network
  return isFit ? network : undefined
}
