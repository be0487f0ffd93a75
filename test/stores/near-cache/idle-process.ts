/** A process with nothing to do but wake up every 5 ms. How late it does says how busy the machine is with others; asked, it tells. */
import { monotonicNow } from './watcher.ts'

const PAUSE = 5
let latenesses: number[] = []

function sleep(): void {
  const dueAt = monotonicNow() + PAUSE
  setTimeout(() => {
    latenesses.push(monotonicNow() - dueAt)
    sleep()
  }, PAUSE)
}

sleep()
process.on('message', () => {
  process.send!(latenesses)
  latenesses = []
})
process.on('disconnect', () => process.exit())
