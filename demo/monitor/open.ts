/** What happened in the shop, kept so that nobody can change it unseen; the pages of who looks after it, and of each reader. */
import { join } from 'node:path'
import type { Sessions } from 'sojourn'
import { type AccountPages, accountPages, type Console, createConsole } from 'sojourn/console'
import { type AuditLog, auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { LIBRARIAN } from '../people.ts'

export interface ShopMonitor<Data> {
  readonly audit: AuditLog
  readonly console: Console<Data>
  readonly account: AccountPages<Data>
  close(): Promise<void>
}

export function openMonitor<Data>(sessions: Sessions<Data>, folder: string): ShopMonitor<Data> {
  const store = sqliteAuditStore(join(folder, 'audit.db'))
  const audit = auditLog(sessions, { store })
  const console = createConsole(sessions, { allows: ({ subject }) => subject === LIBRARIAN, product: 'Sojourn Books', audit })
  return {
    audit,
    console,
    account: accountPages(sessions, {
      path: '/account',
      words: { product: 'Sojourn Books' },
      audit,
      signedOutPage: '/signed-out',
    }),
    async close() {
      console.close()
      await audit.close()
      await store.close()
    },
  }
}
