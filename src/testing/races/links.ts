import { isEqual, isTrue } from '../assert.ts'
import { idsOf, isAlive, someRecord, someSubject } from '../contract/harness.ts'
import { logoutSaid, revokeLinked, someLinkKey } from '../contract/links.ts'
import { type AnyRace, race, think } from './race.ts'

interface Plan {
  readonly now: number
  /** A login's own key, and its person's. */
  readonly logins: readonly { readonly sid: string; readonly sub: string }[]
}

interface Report {
  readonly created: readonly string[]
  readonly severed: readonly string[]
  readonly ended: readonly string[] | undefined
  /** Of a login after the logout: it is to live. */
  readonly later: string
}

/** One process hears that a login ended while every process, itself included, signs people in from it. */
const loginEnd = race<Plan, Report[]>({
  rule: 'a session that starts while another process hears of its login’s end is ended or refused',
  isFor: ({ revokesLinked }) => revokesLinked,
  prepare: async (_store, now) => ({
    now,
    logins: Array.from({ length: 8 }, () => ({ sid: someLinkKey(), sub: someLinkKey() })),
  }),
  contend: async (store, { now, logins }, { index, count }) => {
    const reports: Report[] = []
    for (const [number, { sid, sub }] of logins.entries()) {
      const subject = someSubject()
      const records = Array.from({ length: 6 }, () => someRecord(now, { subject }))
      const link = { keys: [sub, sid], at: now }
      const isMine = number % count === index
      await think()
      const [outcomes, ended] = await Promise.all([
        Promise.all(records.map((record) => store.create(record, { now, link }))),
        isMine ? revokeLinked(store, number % 2 ? sid : sub, logoutSaid(now)) : undefined,
      ])
      const later = someRecord(now, { subject })
      await store.create(later, { now, link: { keys: link.keys, at: now + 1 } })
      const of = (kind: string) => idsOf(records.filter((_, i) => outcomes[i]!.kind === kind))
      reports.push({ created: of('created'), severed: of('severed'), ended: ended && idsOf(ended), later: later.id })
    }
    return reports
  },
  judge: async (store, { now, logins }, reports) => {
    for (const [number, { sid, sub }] of logins.entries()) {
      const all = reports.map((report) => report[number]!)
      const [created, severed] = [all.flatMap((one) => one.created), all.flatMap((one) => one.severed)]
      const alive = await Promise.all([...created, ...severed].map((id) => isAlive(store, id)))
      const later = await Promise.all(all.map((one) => isAlive(store, one.later)))
      const ended = all.flatMap((one) => one.ended ?? [])

      isTrue(!alive.includes(true), 'none of the login that ended lives')
      isEqual([...ended].sort(), [...created].sort(), 'named is exactly what was handed out before')
      isEqual(created.length + severed.length, 6 * reports.length, 'each was created or refused')
      isTrue(!later.includes(false), 'every later login lives')
      // And is found, by either key.
      const found = idsOf(await revokeLinked(store, number % 2 ? sub : sid, logoutSaid(now, now + 1)))
      isEqual(found.sort(), all.map((one) => one.later).sort(), 'what the next logout ends')
    }
  },
})

export const linkRaces: Readonly<Record<string, AnyRace>> = { loginEnd }
