/** `sojourn postgres`: prints the SQL that makes the tables of `postgresStore`, `postgresFactorStore` or `postgresOutbox`, for those who run their own migrations. */
import { parseArgs } from 'node:util'

export const postgres = {
  summary:
    'Print the SQL of the PostgreSQL tables; --factors for those of factors, --outbox for those of the outbox, --schema NAME and --table-prefix NAME.',
  async run(args: readonly string[]): Promise<number> {
    try {
      const { values } = parseArgs({
        args: [...args],
        options: {
          schema: { type: 'string' },
          'table-prefix': { type: 'string' },
          factors: { type: 'boolean' },
          outbox: { type: 'boolean' },
        },
      })
      const { schema, 'table-prefix': tablePrefix, factors, outbox } = values
      if (factors && outbox) throw new Error('--factors and --outbox are two scripts.')
      // Not before it is asked for: the other commands start without it.
      const sqlOf = factors
        ? (await import('sojourn/stepup/stores/postgres')).postgresFactorSchema
        : outbox
          ? (await import('sojourn/oidc/stores/postgres')).postgresOutboxSchema
          : (await import('sojourn/stores/postgres')).postgresSchema
      process.stdout.write(sqlOf({ ...(schema && { schema }), ...(tablePrefix && { tablePrefix }) }))
      return 0
    } catch (error) {
      process.stderr.write(
        `sojourn postgres: ${(error as Error).message}\nExpected --factors or --outbox, --schema NAME, --table-prefix NAME, or nothing.\n`,
      )
      return 2
    }
  },
}
