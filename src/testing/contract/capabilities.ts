import { isSojournError } from '../../core/errors.ts'
import type { StoreCapabilities } from '../../core/store.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { create, isAlive, type Rule, someRecord, someSubject } from './harness.ts'

/** What a store under test claims. What decides which rules apply to it, and what they expect. */
export interface TestedCapabilities
  extends Required<
    Pick<StoreCapabilities, 'listsSubjects' | 'revokesSubjects' | 'limitsSubjects' | 'revokesLinked' | 'queries' | 'purgesItself'>
  > {
  /** Whether the store carries messages between processes. Without it, its channel rejects with `ERR_STORE_UNSUPPORTED`. */
  readonly hasChannel: boolean
}

/** What a store claims unless it is told otherwise: everything but searching, and that its purge is needed. */
const EVERYTHING: TestedCapabilities = {
  listsSubjects: true,
  revokesSubjects: true,
  limitsSubjects: true,
  revokesLinked: true,
  queries: false,
  purgesItself: false,
  hasChannel: true,
}

export const capabilitiesOf = (claimed: Partial<TestedCapabilities> = {}): TestedCapabilities => ({ ...EVERYTHING, ...claimed })

export function capabilityRules(rule: Rule, tested: TestedCapabilities): void {
  rule('the store reports the capabilities it is tested for', async ({ store }) => {
    const { listsSubjects, revokesSubjects, limitsSubjects, revokesLinked = false } = store.capabilities
    const { queries = false, purgesItself = false } = store.capabilities
    const { hasChannel: _, ...expected } = tested
    const reported = { listsSubjects, revokesSubjects, limitsSubjects, revokesLinked, queries, purgesItself }
    isEqual(reported, expected, 'the capabilities')
  })

  if (!tested.listsSubjects) {
    rule('a store that lists no subjects says so when asked, instead of "none"', async ({ store, now }) => {
      const subject = someSubject()
      await create(store, someRecord(now, { subject }), { now })

      isUnsupported(await rejects(store.list(subject), 'list'), 'list')
    })
  }

  if (!tested.revokesSubjects) {
    rule('a store that ends no subjects says so when asked, and ends nothing', async ({ store, now }) => {
      const subject = someSubject()
      const record = await create(store, someRecord(now, { subject }), { now })

      isUnsupported(await rejects(store.revokeSubject(subject, { now, reason: 'logout' }), 'revokeSubject'), 'revokeSubject')
      isEqual(await isAlive(store, record.id), true, 'alive')
    })
  }
}

export function isUnsupported(reason: unknown, operation: string): void {
  isTrue(isSojournError(reason, 'ERR_STORE_UNSUPPORTED'), `${operation} rejects with ERR_STORE_UNSUPPORTED`)
}
