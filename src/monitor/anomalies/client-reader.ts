/** From what a request says to what the model looks at. Anything may be garbage; nothing of it is then known. */
import { AgentReader } from './agents.ts'
import type { Client } from './client.ts'
import type { PlaceFinder, Spot } from './places.ts'

export interface ClientTexts {
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
  readonly roundTrip?: number | undefined
}

export class ClientReader {
  readonly agents = new AgentReader()
  readonly #places: PlaceFinder

  constructor(places: PlaceFinder) {
    this.#places = places
  }

  read({ address, userAgent, roundTrip }: ClientTexts): { readonly client: Client; readonly spot: Spot | undefined } {
    const place = this.#places.find(address)
    const agent = this.agents.read(userAgent)
    const client = {
      network: place?.network,
      asn: place?.asn,
      country: place?.country,
      os: agent?.os,
      device: agent?.device ?? '',
      browser: agent?.browser,
      version: agent?.version ?? 0,
      roundTrip: typeof roundTrip === 'number' ? roundTrip : undefined,
    }
    return { client, spot: place?.spot }
  }
}
