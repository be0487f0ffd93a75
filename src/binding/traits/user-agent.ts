/**
 * What a `User-Agent` header says: family, major version, operating system. It is whatever the client likes, so nothing of it is trusted;
 * only that it stays the same is looked at.
 */
import type { parse } from 'bowser'
import { Recent } from '../../core/recent.ts'
import { packageOf } from './packages.ts'

/** A browser, as it calls itself. */
export interface Agent {
  /** Such as `Chrome`; the first word of the header where it is of no browser; empty where it has none. */
  readonly family: string
  /** 0 where it is not said. */
  readonly major: number
  /** Such as `Windows`, of a fixed list; empty where it is not said. */
  readonly os: string
  /** The family where it is a browser's, of a fixed list: fit to be shown to anybody. */
  readonly knownFamily: string | undefined
}

interface Bowser {
  readonly parse: typeof parse
  readonly BROWSER_MAP: Readonly<Record<string, string>>
}

/** Real user agents are under 300 characters. Longer ones are cut before they are looked at, and not remembered. */
const LONGEST = 512
const LONGEST_WORD = 64
const MOST_MAJOR = 9999

/** Reads user agents; remembers those that come up again, since parsing one costs more than all the rest of a request. */
export class AgentReader {
  readonly #bowser = packageOf<Bowser>('bowser')
  readonly #known = new Set(Object.values(this.#bowser.BROWSER_MAP))
  readonly #recent = new Recent<Agent>()

  read(userAgent: string): Agent {
    const known = this.#recent.get(userAgent)
    if (known !== undefined) return known
    if (userAgent.length > LONGEST) return this.#parse(userAgent.slice(0, LONGEST))
    const agent = this.#parse(userAgent)
    this.#recent.keep(userAgent, agent)
    return agent
  }

  #parse(userAgent: string): Agent {
    try {
      const { browser, os } = this.#bowser.parse(userAgent)
      const family = browser.name?.slice(0, LONGEST_WORD) || firstWord(userAgent)
      const version = browser.version || afterFirstWord(userAgent)
      const knownFamily = this.#known.has(family) ? family : undefined
      return { family, major: majorOf(version), os: os.name ?? '', knownFamily }
    } catch {
      // It refuses an empty text. Whatever else it may stumble over is a client of its own kind, and no reason to let it pass.
      return { family: firstWord(userAgent), major: 0, os: '', knownFamily: undefined }
    }
  }
}

/** `curl` of `curl/8.5.0`. */
function firstWord(userAgent: string): string {
  return userAgent.slice(0, endOfWord(userAgent))
}

function afterFirstWord(userAgent: string): string {
  const start = endOfWord(userAgent) + 1
  return userAgent.slice(start, start + LONGEST_WORD)
}

function endOfWord(userAgent: string): number {
  let end = 0
  while (end < userAgent.length && end < LONGEST_WORD && userAgent[end] !== '/' && userAgent[end] !== ' ') end++
  return end
}

function majorOf(version: string): number {
  const major = Number.parseInt(version, 10)
  return Number.isSafeInteger(major) && major >= 0 ? Math.min(major, MOST_MAJOR) : 0
}
