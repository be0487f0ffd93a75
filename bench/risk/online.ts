/** What the policy's `share: 0.01` does while it runs: its threshold comes from the sign-ins of before, not from those it is applied to. */
import { Detector } from '../../src/monitor/anomalies/detector.ts'
import { newPerson, type Person } from '../../src/monitor/anomalies/person.ts'
import { Population } from '../../src/monitor/anomalies/population.ts'
import { type AttackerClass, CLASSES } from './attackers.ts'
import { nameHash } from './evaluate.ts'
import type { Entry } from './simulate.ts'

export interface Online {
  readonly challenged: number
  readonly caught: Record<AttackerClass, number>
}

/** @param warmUp - Instant from which sign-ins count. */
export function online(entries: readonly Entry[], share: number, warmUp: number): Online {
  const known = new Map<string, number>()
  const hashed = (name: string) => {
    const value = known.get(name) ?? nameHash(name)
    known.set(name, value)
    return value
  }
  const detector = new Detector(new Population(hashed, entries[0]!.at), 20)
  const people = new Map<string, Person>()
  const counts = { login: [0, 0], naive: [0, 0], VPN: [0, 0], targeted: [0, 0], copying: [0, 0] }
  for (const { kind, at, subject, client, ...entry } of entries) {
    const isSuccess = 'isSuccess' in entry ? entry.isSuccess : false
    if (kind === 'login' && !isSuccess) continue
    const person = people.get(subject)
    const signIn = { at, client, spot: undefined }
    const { signals, risk } = detector.judge(person, signIn)
    const rank = signals.find(({ name }) => name === 'unusual-sign-in')?.share
    if (at >= warmUp && risk !== undefined) {
      counts[kind][0]!++
      if (rank !== undefined && rank <= share) counts[kind][1]!++
    }
    if (kind !== 'login') continue
    const own = person ?? newPerson(at)
    people.set(subject, own)
    detector.learn(own, signIn, risk)
  }
  const shareOf = ([all, some]: number[]) => some! / Math.max(1, all!)
  const caught = Object.fromEntries(CLASSES.map((kind) => [kind, shareOf(counts[kind])])) as Record<AttackerClass, number>
  return { challenged: shareOf(counts.login), caught }
}
