/** `sojourn postgres`: prints the SQL that makes the tables of `postgresStore`, for those who run their own migrations. */
import { parseArgs } from 'node:util'

export const postgres = {
  summary: 'Print the SQL of the PostgreSQL tables; --schema NAME and --table-prefix NAME as in postgresStore.',
  async run(args: readonly string[]): Promise<number> {
    try {
      const { values } = parseArgs({
        args: [...args],
        options: { schema: { type: 'string' }, 'table-prefix': { type: 'string' } },
      })
      const { schema, 'table-prefix': tablePrefix } = values
      // Not before it is asked for: the other commands start without it.
      const { postgresSchema } = await import('sojourn/stores/postgres')
      process.stdout.write(postgresSchema({ ...(schema && { schema }), ...(tablePrefix && { tablePrefix }) }))
      return 0
    } catch (error) {
      process.stderr.write(
        `sojourn postgres: ${(error as Error).message}\nExpected --schema NAME and --table-prefix NAME, or nothing.\n`,
      )
      return 2
    }
  },
}
