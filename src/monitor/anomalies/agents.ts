/** What a `User-Agent` header says. It is whatever the client likes; only whether it is what this person's browsers said is looked at. */
import type { parse } from 'bowser'
import { Recent } from '../../core/recent.ts'
import { packageOf } from './packages.ts'

export interface Agent {
  readonly os: string
  readonly device: string
  readonly browser: string
  readonly version: number
}

/** Real ones are under 300 characters. */
const LONGEST = 512
const LONGEST_WORD = 64

/** Reads user agents; remembers those that come up again. */
export class AgentReader {
  readonly #bowser = packageOf<{ readonly parse: typeof parse }>('bowser')
  readonly #recent = new Recent<Agent>()

  /** `undefined` where there is none. */
  read(userAgent: string | undefined): Agent | undefined {
    if (typeof userAgent !== 'string' || userAgent === '') return undefined
    const text = userAgent.slice(0, LONGEST)
    const known = this.#recent.get(text)
    if (known !== undefined) return known
    const agent = this.#parse(text)
    this.#recent.keep(text, agent)
    return agent
  }

  #parse(text: string): Agent {
    // A tool such as `curl/8.5.0` is a client of its own kind.
    const word = /^[^/ ]{0,64}/.exec(text)![0]
    try {
      const { browser, os, platform } = this.#bowser.parse(text)
      return {
        os: os.name?.slice(0, LONGEST_WORD) ?? '',
        device: platform.type?.slice(0, LONGEST_WORD) ?? '',
        browser: browser.name?.slice(0, LONGEST_WORD) || word,
        version: majorOf(browser.version ?? text.slice(word.length + 1)),
      }
    } catch {
      return { os: '', device: '', browser: word, version: 0 }
    }
  }
}

/** At most four digits. */
export function majorOf(version: string): number {
  const major = Number.parseInt(version, 10)
  return Number.isSafeInteger(major) && major >= 0 ? Math.min(major, 9999) : 0
}
