/** The readers: who may sign in, and what a new one must bring. Kept in a file of their own, apart from the sessions. */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Passwords } from './passwords.ts'
import { StartError } from './start-error.ts'

/** Names in the window of the shop; printed at start. */
export const SEEDED = { names: ['ada', 'grace'], password: 'correct horse battery staple' } as const

/** Who looks after the shop: sees the console. */
export const LIBRARIAN = 'root-librarian'

export interface Reader {
  /** Also the session's subject. Lower case. */
  readonly name: string
}

/** What is wrong with a sign-up, a sentence for each field. */
export interface SignUpProblems {
  readonly username?: string
  readonly password?: string
}

const NAME = /^[a-z][a-z0-9-]{1,30}[a-z0-9]$/
/** NIST SP 800-63B-4, 3.1.1.2: fifteen where the password is the only factor. */
export const SHORTEST_PASSWORD = 15
export const LONGEST_PASSWORD = 256

/** Long enough, and still among the first that anybody tries. */
const TOO_COMMON = [
  'correct horse battery staple',
  'passwordpassword',
  'password1234567',
  'qwertyuiopasdfgh',
  '1234567890123456',
  'iloveyouiloveyou',
  'letmeinletmeinletmein',
]

/** Whether somebody is a reader cannot be told at the moment. */
class PeopleUnavailableError extends Error {
  readonly status = 503
}

/** Milliseconds to wait for another process that writes; nothing else happens in this one meanwhile, so not for long. */
const LONGEST_WAIT = 1000

export class People {
  readonly #database: DatabaseSync
  readonly #passwords = new Passwords()
  readonly #find: StatementSync
  readonly #add: StatementSync
  readonly #findRegistration: StatementSync
  readonly #addRegistration: StatementSync
  /** Verified when there is no such reader, so that the answer takes as long as for a wrong password. */
  readonly #nobodysHash: string

  private constructor(database: DatabaseSync, nobodysHash: string) {
    this.#database = database
    this.#nobodysHash = nobodysHash
    this.#find = database.prepare('SELECT name, password_hash AS passwordHash FROM readers WHERE name = ?')
    this.#findRegistration = database.prepare('SELECT registration FROM registrations WHERE name = ?')
    this.#addRegistration = database.prepare(
      'INSERT INTO registrations (name, registration) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#add = database.prepare('INSERT INTO readers (name, password_hash) VALUES (?, ?) ON CONFLICT DO NOTHING')
  }

  static async open(folder: string): Promise<People> {
    const path = join(folder, 'readers.db')
    const nobodysHash = await new Passwords().hash(crypto.randomUUID())
    let people: People
    try {
      // Made here rather than by SQLite, so that nobody else on this machine can read the hashes.
      closeSync(openSync(path, 'a', 0o600))
      const database = new DatabaseSync(path, { timeout: LONGEST_WAIT })
      database.exec(
        `CREATE TABLE IF NOT EXISTS readers (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS registrations (name TEXT PRIMARY KEY, registration TEXT NOT NULL) STRICT, WITHOUT ROWID`,
      )
      people = new People(database, nobodysHash)
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown error'
      throw new StartError(`The file of readers ${path} cannot be used (${why}); move it away to begin with a new one.`)
    }
    for (const name of [...SEEDED.names, LIBRARIAN]) {
      if (people.#hashOf(name) === undefined) await people.#insert(name, SEEDED.password)
    }
    return people
  }

  /** The reader, or nothing: whether the name or the password was wrong is not told, and takes as long to find out. */
  async check(username: string, password: string): Promise<Reader | undefined> {
    const name = username.trim().toLowerCase()
    const passwordHash = this.#hashOf(name)
    const isRight = await this.#passwords.verify(passwordHash ?? this.#nobodysHash, password)
    return isRight && passwordHash !== undefined ? { name } : undefined
  }

  /** Whether there is such a reader, for ways to sign in that need no password. */
  has(name: string): boolean {
    return this.#hashOf(name) !== undefined || this.registrationOf(name) !== undefined
  }

  /** What OPAQUE keeps in place of a password's hash. */
  registrationOf(name: string): string | undefined {
    const found = answered(() => this.#findRegistration.get(name))
    return typeof found?.registration === 'string' ? found.registration : undefined
  }

  /** Adds a reader whose password stays in the browser. `false` where there is one of that name. */
  register(name: string, registration: string): boolean {
    return answered(() => this.#addRegistration.run(name, registration)).changes === 1
  }

  forgetRegistrations(): void {
    answered(() => this.#database.exec('DELETE FROM registrations'))
  }

  /** What is wrong with a new reader's name. A name is one reader's, whichever way their password goes. */
  problemOf(username: string): string | undefined {
    const name = username.trim().toLowerCase()
    return NAME.test(name) ? (this.has(name) ? takenBy(name) : undefined) : NO_NAME
  }

  /** Adds a reader. That a name is taken cannot be hidden where names are chosen freely; a site with e-mail addresses can. */
  async add(username: string, password: string): Promise<Reader | SignUpProblems> {
    const name = username.trim().toLowerCase()
    const problems = problemsOf(name, password)
    if (problems !== undefined) return problems
    if (!this.has(name) && (await this.#insert(name, password))) return { name }
    return { username: takenBy(name) }
  }

  close(): void {
    this.#database.close()
  }

  async #insert(name: string, password: string): Promise<boolean> {
    const passwordHash = await this.#passwords.hash(password)
    return answered(() => this.#add.run(name, passwordHash)).changes === 1
  }

  #hashOf(name: string): string | undefined {
    const found = answered(() => this.#find.get(name))
    return typeof found?.passwordHash === 'string' ? found.passwordHash : undefined
  }
}

const NO_NAME = 'Use 3 to 32 letters, digits or hyphens, beginning with a letter.'

function takenBy(name: string): string {
  return `Somebody reads here as “${name}” already. Choose another name.`
}

/** What the file says; or that it is away, which must never look like a wrong password. */
function answered<T>(ask: () => T): T {
  try {
    return ask()
  } catch (cause) {
    throw new PeopleUnavailableError('The file of readers did not answer.', { cause })
  }
}

function problemsOf(name: string, password: string): SignUpProblems | undefined {
  const username = NAME.test(name) ? undefined : NO_NAME
  const weakness = weaknessOf(name, password)
  if (username === undefined && weakness === undefined) return undefined
  return { ...(username && { username }), ...(weakness && { password: weakness }) }
}

/** No rules about kinds of characters: length and a list of the usual suspects do more (NIST SP 800-63B-4, 3.1.1.2). */
function weaknessOf(name: string, password: string): string | undefined {
  const normalised = password.normalize('NFKC')
  const length = [...normalised].length
  if (length < SHORTEST_PASSWORD)
    return `Use at least ${SHORTEST_PASSWORD} characters; four words that do not belong together do well.`
  if (password.length > LONGEST_PASSWORD) return `Use at most ${LONGEST_PASSWORD} characters.`
  const plain = normalised.toLowerCase()
  if (TOO_COMMON.includes(plain)) return 'Everybody tries this one first. Choose another.'
  if (new Set(plain).size < 5) return 'It repeats itself too much to be hard to guess.'
  if (name.length > 3 && plain.replaceAll(name, '').length < SHORTEST_PASSWORD / 2) return 'It is little more than your name.'
  return undefined
}
