/** The data of one request's session: opened on first use, compared at the end, merged with what others wrote. */
import { SessionDataError } from './errors.ts'
import { applyPatch, diff, isPlainJson, type JsonObject, type Patch, toJson } from './patch.ts'
import type { SessionRecord } from './record.ts'
import type { Service } from './service.ts'

/** Data as stored, or `unreadable`: damaged, or no longer what the schema allows and nothing migrates it. */
export function readData(service: Service, record: SessionRecord | undefined): { data: JsonObject; text: string } | 'unreadable' {
  const { codec, vault } = service
  if (record === undefined || record.sealedData.length === 0) return { data: codec.initial(), text: '{}' }
  const plaintext = service.opened.get(record) ?? vault.open(record.sealedData, record.idBytes)
  if (plaintext === undefined) return 'unreadable'
  service.opened.set(record, plaintext)
  const reading = codec.decode(plaintext)
  if (reading.kind === 'newer') {
    throw new SessionDataError(
      'Session data was written by a later version of the application; deploy that one, or raise dataVersion.',
      {
        code: 'ERR_DATA_NEWER',
        status: 503,
      },
    )
  }
  return reading.kind === 'data' ? reading : 'unreadable'
}

/** Data a handler works on, and what it was before. */
export class WorkingData {
  /** What the handler sees; it may change anything in it. */
  live: unknown
  readonly #before: string
  readonly #readBefore: () => JsonObject

  constructor(data: JsonObject, before: string, readBefore: () => JsonObject) {
    this.live = data
    this.#before = before
    this.#readBefore = readBefore
  }

  /**
   * What the handler changed, nested changes included; `undefined` for nothing. Comparing the JSON finds every mutation without proxies,
   * which would not survive `structuredClone` or `===`.
   *
   * @throws {SessionDataError} `ERR_DATA_INVALID` - it put something in that JSON cannot keep.
   */
  changes(): Patch | undefined {
    // Not by its text alone: a `Map` put over `{}`, or `NaN` over `null`, has the same one and would be lost without a word.
    if (isPlainJson(this.live) && JSON.stringify(this.live) === this.#before) return undefined
    return diff(this.#readBefore(), toJson(this.live))
  }
}

/** The latest data with a patch applied. */
export function patched(service: Service, data: JsonObject, patch: Patch | undefined): JsonObject {
  return patch === undefined ? data : service.codec.validate(applyPatch(data, patch))
}
