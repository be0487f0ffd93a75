/** What one request shows of its client: texts as they came, and what they mean. */
import type { GuardedRequest } from '../../http/request-guard.ts'
import { HintReader, type Hints } from './client-hints.ts'
import { type GeoDatabases, type Place, PlaceFinder } from './place.ts'
import { type Agent, AgentReader } from './user-agent.ts'

/** A request's headers and address as they came: while they are the same texts, nothing has changed. */
export interface Texts {
  readonly agent: string | undefined
  readonly brands: string | undefined
  readonly platform: string | undefined
  readonly mobile: string | undefined
  readonly address: string | undefined
}

/** What they mean. */
export interface Observation {
  readonly agent: Agent | undefined
  readonly hints: Hints | undefined
  readonly place: Place | undefined
  /** Whether a browser that sends hints would have sent them here. */
  readonly isHintable: boolean
  /** All of it in one text, which is the same exactly when nothing has changed. */
  readonly text: string
}

/** Longer ones, taken together, are read anew each time: what is remembered stays small. */
const LONGEST_REMEMBERED = 2048

/** Makes observations, for one configuration. */
export class Observer {
  readonly #agents = new AgentReader()
  readonly #hints = new HintReader()
  readonly places: PlaceFinder

  constructor(geo: GeoDatabases | undefined) {
    this.places = new PlaceFinder(geo)
  }

  observe(texts: Texts, request: GuardedRequest): Observation {
    const agent = texts.agent === undefined ? undefined : this.#agents.read(texts.agent)
    const hints = this.#hints.read(texts.brands, texts.platform, texts.mobile)
    const place = this.places.find(texts.address)
    const text = [
      agent && `${agent.family}\0${agent.major}\0${agent.os}`,
      hints && `${hints.brands}\0${hints.platform}\0${hints.mobile}`,
      place && `${place.network}\0${place.asn ?? ''}\0${place.country ?? ''}`,
    ].join('\n')
    return { agent, hints, place, isHintable: isHintable(request), text }
  }
}

/**
 * What only documents ask for, by `Sec-Fetch-Dest`. Chromium (156) sends no hints with what workers ask for, their own scripts and
 * `importScripts` included, with downloads, and when it opens a socket; all of these are `empty`, `script`, a kind of worker, or say nothing.
 */
const OF_DOCUMENTS = [
  'document',
  'iframe',
  'frame',
  'object',
  'embed',
  'image',
  'style',
  'font',
  'audio',
  'video',
  'track',
  'manifest',
]

/** Whether a browser that sends hints would have sent them. One that says nothing of the destination is no browser, or opens a socket. */
export function isHintable({ facts, isUpgrade }: GuardedRequest): boolean {
  const destination = facts.header('sec-fetch-dest')
  return destination === undefined ? !isUpgrade : OF_DOCUMENTS.includes(destination)
}

export function textsOf({ facts, clientAddress }: GuardedRequest): Texts {
  return {
    agent: facts.header('user-agent'),
    brands: facts.header('sec-ch-ua'),
    platform: facts.header('sec-ch-ua-platform'),
    mobile: facts.header('sec-ch-ua-mobile'),
    address: clientAddress,
  }
}

/** Whether these are small enough to be held for as long as a session's record is. */
export function areSmall({ agent = '', brands = '', platform = '', mobile = '', address = '' }: Texts): boolean {
  return agent.length + brands.length + platform.length + mobile.length + address.length <= LONGEST_REMEMBERED
}
