/**
 * Another process of the service: `node process.ts <name> <entries>`, with the place of the log in the environment. It appends its entries in small batches, says each number it knows to be
 * written, and closes. With `0` entries it goes on until it is killed.
 */

import { storeOfEnvironment } from './engines.ts'
import { openLog } from './support.ts'

const [name, count] = process.argv.slice(2)
const { audit, emit } = openLog(await storeOfEnvironment(), { checkpointEvery: 20 })
for (let i = 0; Number(count) === 0 || i < Number(count); i++) {
  emit({ type: 'session.revoked', reason: 'logout', subject: `${name}-${i}`, actor: name! })
  if (i % 5 === 4) {
    await audit.drained()
    const { seq } = await audit.record({ action: 'test.counted', actor: name!, details: { i } })
    console.log(seq)
  }
}
await audit.close()
process.exit()
