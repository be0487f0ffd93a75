/**
 * `npm start -- --opaque`: passwords stay in the browser (OPAQUE, RFC 9807). The shop keeps a registration in place of a hash; what it sees at sign-up and sign-in
 * tells it nothing of the password. Loaded when asked for.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { client, ready } from '@serenity-kit/opaque'
import { isSojournError } from 'sojourn'
import { createOpaque, newOpaqueSetup, type Opaque } from 'sojourn/stepup/opaque'
import { LIBRARIAN, SEEDED } from '../people.ts'
import type { Shop } from '../shop.ts'
import { StartError, systemCode } from '../start-error.ts'
import { writeOnce } from '../write-once.ts'

/** @throws {StartError} The setup cannot be read, written or opened. */
export async function openOpaque(shop: Shop, folder: string): Promise<Opaque> {
  const { sessions, people, stepUp, ledger } = shop
  const path = join(folder, 'opaque.setup')
  try {
    const setup = readSetup(path) ?? (await makeSetup(shop, path))
    const opaque = createOpaque(sessions, {
      setup,
      find(name) {
        const registration = people.registrationOf(name)
        return registration === undefined ? undefined : { subject: name, registration }
      },
      throttle: stepUp.throttle,
      ...(ledger !== undefined && { ledger }),
    })
    for (const name of [...SEEDED.names, LIBRARIAN]) {
      if (people.registrationOf(name) === undefined) people.register(name, await registrationFor(shop, opaque, name))
    }
    return opaque
  } catch (error) {
    if (isSojournError(error))
      throw new StartError(
        `${error.message} (The setup is ${path}; delete it to begin anew, without the readers who signed up with it.)`,
      )
    throw error
  }
}

function readSetup(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new StartError(`The file ${path} cannot be read (${systemCode(error)}); make it yours, or delete it.`)
  }
}

/** With another setup no password is right any more, so that registrations of before go. */
async function makeSetup({ sessions, people }: Shop, path: string): Promise<string> {
  const setup = await newOpaqueSetup(sessions)
  if (!writeOnce(path, `${setup}\n`)) return readSetup(path) ?? setup
  people.forgetRegistrations()
  return setup
}

/** What a browser does at sign-up, for a reader of the window: their password is no secret. */
async function registrationFor({ sessions }: Shop, opaque: Opaque, name: string): Promise<string> {
  await ready
  const { password } = SEEDED
  const session = await sessions.signIn({ subject: name, method: 'pwd' })
  try {
    const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
    const started = await opaque.startRegistration(session, { registrationRequest })
    if (!started.ok) throw new StartError('No password could be registered by OPAQUE; start again.')
    const { ticket, registrationResponse } = started
    const { registrationRecord } = client.finishRegistration({ clientRegistrationState, registrationResponse, password })
    const finished = await opaque.finishRegistration(session, { ticket, registrationRecord })
    if (!finished.ok) throw new StartError('No password could be registered by OPAQUE; start again.')
    return finished.registration
  } finally {
    await session.signOut()
  }
}
