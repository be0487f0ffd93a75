/** A process that watches copies go, on the engine and port it is given. */
import { type EngineName, engines } from './engines.ts'
import { Watcher } from './watcher.ts'

/** What the parent asks: to copy sessions (answered with `true`), or when the copies were gone. */
export type Question = { readonly copy: readonly string[] } | 'when'

const [name, port] = process.argv.slice(2) as [EngineName, string]
const { store } = engines[name].open(Number(port))
const watcher = new Watcher(store)
process.on('message', async (question: Question) => {
  if (question === 'when') process.send!(watcher.goneAt)
  else process.send!(await watcher.copy(question.copy).then(() => true))
})
process.on('disconnect', () => process.exit())
