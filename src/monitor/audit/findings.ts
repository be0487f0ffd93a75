/** What `verify` finds, and where. */

/** What is wrong. `docs/guide/audit.md` says what each means and what to do. */
export type FindingKind =
  /** An entry's text is not what was hashed, or its hash was changed. */
  | 'edited'
  /** The text is whole, but the columns that searches use say something else. */
  | 'hidden'
  /** An entry stands where another belongs: swapped, moved, put in between. */
  | 'moved'
  /** Entries are not there. */
  | 'missing'
  /** Entries at the end are not there, although something signed says they were. */
  | 'truncated'
  /** Entries stand behind where the log ends. */
  | 'added'
  /** Entries hang together, but are not those that were signed for: somebody wrote them anew without the key. */
  | 'rewritten'
  /** A writer found the log damaged and began the chain anew. */
  | 'restarted'
  /** A checkpoint is not there, or not the one that was made. */
  | 'checkpoint-missing'
  | 'checkpoint-forged'
  /** The statement where the log stands is not there, not ours, or of a key nobody trusts any more. */
  | 'head-missing'
  | 'head-forged'
  | 'head-of-unknown-key'
  /** Entries were removed without a statement of ours. */
  | 'cut-forged'
  /** What was given as anchor is no checkpoint of ours. */
  | 'anchor-forged'

/** One thing that is wrong. */
export interface Finding {
  readonly kind: FindingKind
  /** The first entry it is about, and the last. */
  readonly seq: number
  readonly through: number
  /** The same for people. */
  readonly what: string
  /** `at` of the entries before and after that are as they were, as far as known: when to look for. */
  readonly earlierAt: number | undefined
  readonly laterAt: number | undefined
}

const WHAT: Readonly<Record<FindingKind, string>> = {
  edited: 'changed after it was written, or its hash was',
  hidden: 'no longer found by what it says: a column that searches use was changed',
  moved: 'not where it was written: swapped, moved, or put in between',
  missing: 'removed',
  truncated: 'cut off at the end',
  added: 'put behind the end of the log',
  rewritten: 'written anew by somebody without the key',
  restarted: 'where a writer found the log damaged and began anew; what is before it is vouched for by older checkpoints only',
  'checkpoint-missing': 'without a checkpoint that was there',
  'checkpoint-forged': 'with a checkpoint that no key of ours signed, or that was changed',
  'head-missing': 'without the statement where the log ends',
  'head-forged': 'with a statement where the log ends that no key of ours signed',
  'head-of-unknown-key': 'vouched for by a key that is not in the ring nor among trustedKeys',
  'cut-forged': 'removed, with a statement about it that no key of ours signed',
  'anchor-forged': 'not what the anchor is about: no key of ours signed it',
}

/** Most findings that are kept. */
const MOST = 100

/** Collects findings; those of one kind that follow one another become one. */
export class Findings {
  readonly #found: { -readonly [Name in keyof Finding]: Finding[Name] }[] = []
  #more = 0

  get list(): readonly Finding[] {
    return this.#found.map((finding) => ({ ...finding }))
  }

  /** How many are not in the list. */
  get more(): number {
    return this.#more
  }

  add(kind: FindingKind, seq: number, through: number, earlierAt: number | undefined): void {
    const last = this.#found.findLast((finding) => finding.kind === kind)
    if (last !== undefined && last.through + 1 >= seq && last.seq <= seq) {
      last.through = Math.max(last.through, through)
      last.what = sentence(kind, last.seq, last.through)
      last.laterAt = undefined
      return
    }
    if (this.#found.length >= MOST) this.#more++
    else this.#found.push({ kind, seq, through, what: sentence(kind, seq, through), earlierAt, laterAt: undefined })
  }

  /** An entry that is as it was: the end of what is wrong before it. */
  intact(seq: number, at: number): void {
    for (let i = this.#found.length - 1; i >= 0 && this.#found[i]!.laterAt === undefined; i--)
      if (this.#found[i]!.through < seq) this.#found[i]!.laterAt = at
  }
}

function sentence(kind: FindingKind, seq: number, through: number): string {
  const which = through > seq ? `Entries ${seq} to ${through} were` : `Entry ${seq} was`
  const isState = kind === 'restarted' || kind.includes('-')
  return isState && kind !== 'cut-forged' ? `${which.replace(/ were$| was$/, '')}: ${WHAT[kind]}.` : `${which} ${WHAT[kind]}.`
}
