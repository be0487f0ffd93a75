/** The log as lines of JSON, for other systems and for outsiders who check it. */
import { ConfigError } from '../../core/errors.ts'
import type { AuditStore, StoredCheckpoint } from './audit-store.ts'
import { breath } from './breath.ts'
import { canonical } from './canonical.ts'
import { toEcs } from './ecs.ts'
import { toEntry } from './entry.ts'
import { toOcsf } from './ocsf.ts'

/** What to export, and how. */
export interface ExportOptions {
  /**
   * `json` (the default): each entry as it was hashed, with its hash, and the checkpoints between them: all that an outsider needs to check the log. `ecs`: Elastic Common Schema 8.
   * `ocsf`: OCSF 1.3.
   */
  readonly format?: 'json' | 'ecs' | 'ocsf'
  /** Entries with a larger `seq` only: to go on where an earlier export ended. Default 0. */
  readonly after?: number
  /** And none beyond this one. Default: the last there is when the export begins. */
  readonly through?: number
  readonly signal?: AbortSignal
}

const PAGE = 200
const FORMATS = { ecs: toEcs, ocsf: toOcsf } as const

export async function* exportLog(
  store: Pick<AuditStore, 'state' | 'entries' | 'checkpoints'>,
  { format = 'json', after = 0, through, signal }: ExportOptions,
): AsyncGenerator<string, void, undefined> {
  if (!['json', 'ecs', 'ocsf'].includes(format)) throw misuse("format is none of 'json', 'ecs', 'ocsf'")
  for (const seq of [after, through ?? 0])
    if (!Number.isSafeInteger(seq) || seq < 0) throw misuse('after or through is no number of an entry')
  const { lastSeq } = await store.state()
  const last = Math.min(through ?? lastSeq, lastSeq)
  const checkpoints = format === 'json' ? checkpointsOf(store, after) : undefined
  let checkpoint = await checkpoints?.next()
  for (let seq = after; ; ) {
    signal?.throwIfAborted()
    const page = await store.entries({ after: seq, through: last, limit: PAGE })
    for (const stored of page) {
      yield format === 'json'
        ? `{"entry":${stored.body},"hash":"${stored.hash}"}\n`
        : `${canonical(FORMATS[format](toEntry(stored)))}\n`
      for (; checkpoint?.done === false && checkpoint.value.seq <= stored.seq; checkpoint = await checkpoints!.next())
        yield `{"checkpoint":${checkpoint.value.body},"signature":"${checkpoint.value.signature}"}\n`
    }
    if (page.length < PAGE) return
    seq = page.at(-1)!.seq
    await breath()
  }
}

async function* checkpointsOf(
  store: Pick<AuditStore, 'checkpoints'>,
  after: number,
): AsyncGenerator<StoredCheckpoint, void, undefined> {
  for (let number = 0; ; ) {
    const page = await store.checkpoints({ after: number, limit: PAGE })
    for (const checkpoint of page) if (checkpoint.seq > after) yield checkpoint
    if (page.length < PAGE) return
    number = page.at(-1)!.number
  }
}

const misuse = (problem: string) =>
  new ConfigError(`audit export: ${problem}. See docs/guide/audit.md.`, { code: 'ERR_ARGUMENT_INVALID' })
