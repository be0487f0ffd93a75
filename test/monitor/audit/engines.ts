/** The two engines an audit log is kept in, with a way past the store, as somebody with access to the database has. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AuditStore } from 'sojourn/monitor/audit'
import { postgresAuditStore } from 'sojourn/monitor/audit-postgres'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'

/** A place for one log. */
export interface Place {
  /** One more store on it, as another process has. */
  readonly open: () => AuditStore
  /** Statements as an attacker runs them; tables are named as in SQLite. */
  readonly run: (...statements: string[]) => Promise<void>
  readonly rows: (query: string) => Promise<readonly Record<string, unknown>[]>
  /** What another process finds it by. */
  readonly env: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

export interface Engine {
  readonly name: 'sqlite' | 'postgres'
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly place: () => Promise<Place>
}

const sqlite: Engine = {
  name: 'sqlite',
  start: async () => {},
  stop: async () => {},
  async place() {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-audit-'))
    const file = join(folder, 'audit.db')
    const stores: AuditStore[] = []
    const aside = <T>(work: (database: DatabaseSync) => T): T => {
      const database = new DatabaseSync(file)
      database.exec('PRAGMA busy_timeout = 5000')
      try {
        return work(database)
      } finally {
        database.close()
      }
    }
    return {
      open() {
        const store = sqliteAuditStore(file)
        stores.push(store)
        return store
      },
      run: async (...statements) => aside((database) => database.exec(statements.join(';'))),
      rows: async (query) => aside((database) => database.prepare(query).all() as Record<string, unknown>[]),
      env: { AUDIT_FILE: file },
      async close() {
        for (const store of stores) await store.close()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
}

let server: PostgresServer | undefined
let places = 0

const postgres: Engine = {
  name: 'postgres',
  async start() {
    server = await startPostgres()
  },
  async stop() {
    await server?.stop()
  },
  async place() {
    const tablePrefix = `p${++places}_`
    const pool = server!.pool()
    await postgresAuditStore(pool, { tablePrefix }).migrate()
    const named = (text: string) => text.replaceAll('sojourn_audit', `${tablePrefix}audit`)
    return {
      open: () => postgresAuditStore(pool, { tablePrefix }),
      async run(...statements) {
        await pool.query(named(statements.join(';')))
      },
      rows: async (query) => (await pool.query(named(query))).rows,
      env: { AUDIT_URL: server!.url, AUDIT_PREFIX: tablePrefix },
      close: async () => {},
    }
  },
}

export const engines: readonly Engine[] = [sqlite, postgres]

/** The store that another process was told of. */
export async function storeOfEnvironment(): Promise<AuditStore> {
  const { AUDIT_FILE, AUDIT_URL, AUDIT_PREFIX } = process.env
  if (AUDIT_FILE !== undefined) return sqliteAuditStore(AUDIT_FILE)
  const { Pool } = await import('pg')
  return postgresAuditStore(new Pool({ connectionString: AUDIT_URL! }), { tablePrefix: AUDIT_PREFIX! })
}
