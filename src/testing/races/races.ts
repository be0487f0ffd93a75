import { endingRaces } from './endings.ts'
import { ledgerRaces } from './ledger.ts'
import { limitRaces } from './limits.ts'
import { linkRaces } from './links.ts'
import type { AnyRace } from './race.ts'
import { writerRaces } from './writers.ts'

/** Every race by the name under which one process tells another to run it. */
export const races: Readonly<Record<string, AnyRace>> = {
  ...writerRaces,
  ...endingRaces,
  ...limitRaces,
  ...linkRaces,
  ...ledgerRaces,
}
