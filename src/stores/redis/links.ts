import { placementOfId } from '../../core/placement.ts'
import type { CallOptions, EndedRecord, NewRecord, RecordLink, RevokeLinkedOptions } from '../../core/store.ts'
import type { RedisChanges } from './changes.ts'
import type { Engine } from './engine.ts'
import { isSlotMoving } from './faults.ts'
import { KEPT_FOR } from './keeping.ts'
import type { Keys } from './keys.ts'
import type { Reply } from './port.ts'
import { END_LINKED, LINK, SEVER } from './scripts.ts'

const KEY_LENGTH = 43
const LATER_LOGIN = 2
/** Later than any link: an id that is there already is put off, whatever was severed since. */
const ANY_TIME = '9e15'

/**
 * Links to logins at a provider. A link's key and the records are in different slots, so two scripts end a login: the first severs the key
 * and learns who is under it, the second ends these. Nobody slips through in between: whoever comes to the key later is told, and goes.
 * The records of one subject are in one slot, and outside a Cluster all are: they end in one step.
 */
export class Links {
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #changes: RedisChanges

  constructor(engine: Engine, keys: Keys, changes: RedisChanges) {
    this.#engine = engine
    this.#keys = keys
    this.#changes = changes
  }

  /** Whether the login had ended before anything was written. */
  async isSevered({ keys, at }: RecordLink, signal: AbortSignal | undefined): Promise<boolean> {
    const ask = (key: string) => this.#engine.command(key, ['zscore', key, 'severed'], signal)
    const scores = await Promise.all(keys.map((key) => ask(this.#keys.link(key))))
    return scores.some((score) => score !== null && at <= -Number(score))
  }

  /** Puts a record that was just written under its keys. Gives `false` if one was severed meanwhile. */
  async add(record: NewRecord, link: RecordLink, options: CallOptions & { readonly now: number }): Promise<boolean> {
    const { now, signal } = options
    const args = [record.id, String(record.absoluteDeadline), String(link.at), String(now), String(KEPT_FOR)]
    const added = await Promise.all(link.keys.map((key) => this.#engine.write(LINK, [this.#keys.link(key)], args, signal)))
    return added.every((one) => one === 1)
  }

  /** Keeps a record's keys for as long as it will live now. @param keys - One after the other. */
  async extend(id: string, keys: string, absoluteDeadline: number, signal: AbortSignal | undefined): Promise<void> {
    const args = [id, String(absoluteDeadline), ANY_TIME, '0', String(KEPT_FOR)]
    const all = Array.from({ length: keys.length / KEY_LENGTH }, (_, i) => keys.slice(i * KEY_LENGTH, (i + 1) * KEY_LENGTH))
    await Promise.all(all.map((key) => this.#engine.write(LINK, [this.#keys.link(key)], args, signal)))
  }

  async sever(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    const { at, now, keepUntil, signal } = options
    const linkKey = this.#keys.link(key)
    const args = [String(at), keepUntil === undefined ? '' : String(keepUntil), String(now), String(KEPT_FOR)]
    const ids = ((await this.#engine.write(SEVER, [linkKey], args, signal)) as readonly Reply[]).map(String)
    if (ids.length === 0) return []
    try {
      const found = (await Promise.all(this.#together(ids).map((group) => this.#endAll(group, key, options)))).flat()
      const over = found.filter(({ fate }) => fate !== LATER_LOGIN)
      // Only now: a logout whose answer is lost is said again, and must find them again.
      if (over.length > 0) await this.#engine.command(linkKey, ['zrem', linkKey, ...over.map(({ id }) => id)], signal)
      return found.flatMap(({ ended }) => ended ?? [])
    } finally {
      for (const id of ids) this.#changes.tellOfRecord(id)
    }
  }

  /** Groups of ids that one script can reach. */
  #together(ids: readonly string[]): readonly (readonly string[])[] {
    if (!this.#engine.port.isCluster) return [ids]
    const groups = new Map<string, string[]>()
    for (const id of ids) {
      const placement = placementOfId(id)
      groups.set(placement, [...(groups.get(placement) ?? []), id])
    }
    return [...groups.values()]
  }

  /** While their slot moves they may be on two servers, and each is ended by itself. */
  async #endAll(ids: readonly string[], key: string, options: RevokeLinkedOptions): Promise<Found[]> {
    try {
      return await this.#end(ids, key, options, ids.length === 1 ? undefined : 1)
    } catch (error) {
      if (ids.length === 1 || !(error instanceof Error) || !isSlotMoving(error.cause)) throw error
      return (await Promise.all(ids.map((id) => this.#end([id], key, options, undefined)))).flat()
    }
  }

  async #end(ids: readonly string[], key: string, options: RevokeLinkedOptions, attempts: number | undefined): Promise<Found[]> {
    const { at, now, reason, signal } = options
    const args = [key, String(at), String(now), reason, String(KEPT_FOR), this.#changes.scriptChannel, ...ids]
    const keys = ids.map((id) => this.#keys.record(id))
    const reply = (await this.#engine.write(END_LINKED, keys, args, signal, attempts)) as readonly Reply[]
    const ended = new Map<string, EndedRecord>()
    for (let i = ids.length; i < reply.length; i += 3) {
      const id = String(reply[i])
      ended.set(id, { id, subject: String(reply[i + 1]) === '1' ? String(reply[i + 2]) : undefined })
    }
    return ids.map((id, index) => ({ id, fate: Number(reply[index]), ended: ended.get(id) }))
  }
}

interface Found {
  readonly id: string
  readonly fate: number
  /** It was live, and this call ended it. */
  readonly ended: EndedRecord | undefined
}
