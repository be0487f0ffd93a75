/** What happened in the shop, kept so that nobody can change it unseen; the pages of who looks after it, and of each reader. */
import { join } from 'node:path'
import type { Sessions, Store } from 'sojourn'
import { type AccountPages, accountPages, type Console, createConsole } from 'sojourn/console'
import { type AnomalyDetection, anomalyDetection } from 'sojourn/monitor/anomalies'
import { type AuditLog, auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { LIBRARIAN } from '../people.ts'

export interface ShopMonitor<Data> {
  readonly audit: AuditLog
  /** What looks wrong, and why. It only says what it would do: on one machine everybody comes from one address. */
  readonly anomalies: AnomalyDetection
  readonly console: Console<Data>
  readonly account: AccountPages<Data>
  close(): Promise<void>
}

/** @param ledger - Where the visits' own store would forget what is usual for whom. */
export function openMonitor<Data>(sessions: Sessions<Data>, folder: string, ledger: Store | undefined): ShopMonitor<Data> {
  const store = sqliteAuditStore(join(folder, 'audit.db'))
  const audit = auditLog(sessions, { store })
  const anomalies = anomalyDetection(sessions, { shadow: true, ...(ledger !== undefined && { ledger }) })
  const console = createConsole(sessions, { allows: ({ subject }) => subject === LIBRARIAN, product: 'Sojourn Books', audit })
  return {
    audit,
    anomalies,
    console,
    account: accountPages(sessions, {
      path: '/account',
      words: { product: 'Sojourn Books' },
      audit,
      signedOutPage: '/signed-out',
    }),
    async close() {
      console.close()
      await anomalies.close()
      await audit.close()
      await store.close()
    },
  }
}
