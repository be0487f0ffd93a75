/** `sojourn postgres`: prints the SQL that makes the tables of `postgresStore` or `postgresFactorStore`, for those who run their own migrations. */
import { parseArgs } from 'node:util'

export const postgres = {
  summary: 'Print the SQL of the PostgreSQL tables; --factors for those of factors, --schema NAME and --table-prefix NAME.',
  async run(args: readonly string[]): Promise<number> {
    try {
      const { values } = parseArgs({
        args: [...args],
        options: { schema: { type: 'string' }, 'table-prefix': { type: 'string' }, factors: { type: 'boolean' } },
      })
      const { schema, 'table-prefix': tablePrefix } = values
      // Not before it is asked for: the other commands start without it.
      const sqlOf = values.factors
        ? (await import('sojourn/stepup/stores/postgres')).postgresFactorSchema
        : (await import('sojourn/stores/postgres')).postgresSchema
      process.stdout.write(sqlOf({ ...(schema && { schema }), ...(tablePrefix && { tablePrefix }) }))
      return 0
    } catch (error) {
      process.stderr.write(
        `sojourn postgres: ${(error as Error).message}\nExpected --factors, --schema NAME, --table-prefix NAME, or nothing.\n`,
      )
      return 2
    }
  },
}
