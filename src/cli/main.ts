#!/usr/bin/env node
/** `npx sojourn`: one file a command; this one only finds it. */
import { keys } from './keys.ts'
import { postgres } from './postgres.ts'

interface Command {
  readonly summary: string
  readonly run: (args: readonly string[]) => number | Promise<number>
}

const commands: Record<string, Command> = { keys, postgres }

const [name = 'help', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (command !== undefined) {
  process.exitCode = await command.run(args)
} else {
  const isHelp = ['help', '--help', '-h'].includes(name)
  const lines = Object.entries(commands).map(([key, { summary }]) => `  sojourn ${key.padEnd(8)} ${summary}`)
  const text = `Usage:\n${lines.join('\n')}\n`
  if (isHelp) process.stdout.write(text)
  else process.stderr.write(`sojourn: there is no command of that name.\n${text}`)
  process.exitCode = isHelp ? 0 : 2
}
