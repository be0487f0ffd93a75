/** A service that follows the feed: keeps every event, and waits for those a test is about. */
import { expect, vi } from 'vitest'
import { basic, type EndpointSite, ORDERS } from '../endpoint-site.ts'

export interface FeedEvent {
  readonly event: string
  readonly data: Record<string, unknown>
  readonly id: string | undefined
}

export class FeedReader {
  readonly events: FeedEvent[] = []
  readonly response: Response
  readonly #leaving: AbortController
  isOver = false

  private constructor(response: Response, leaving: AbortController) {
    this.response = response
    this.#leaving = leaving
    void this.#read()
  }

  static async open(
    site: Pick<EndpointSite, 'origin'>,
    { beat = 30_000, headers = {} }: { beat?: number; headers?: Record<string, string> } = {},
  ): Promise<FeedReader> {
    const leaving = new AbortController()
    const response = await fetch(`${site.origin}/oauth/feed?beat=${beat}`, {
      headers: { ...basic('orders', ORDERS.clientSecret), ...headers },
      signal: leaving.signal,
    })
    expect(response.status).toBe(200)
    const reader = new FeedReader(response, leaving)
    await reader.until('ready')
    return reader
  }

  /** Events of one kind, in order. */
  of(event: string): Record<string, unknown>[] {
    return this.events.filter((one) => one.event === event).map(({ data }) => data)
  }

  /** Waits for so many events of a kind, and gives them. */
  async until(event: string, count = 1): Promise<Record<string, unknown>[]> {
    await vi.waitFor(() => expect(this.of(event).length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 5 })
    return this.of(event)
  }

  async untilOver(): Promise<void> {
    await vi.waitFor(() => expect(this.isOver).toBe(true), { timeout: 10_000, interval: 5 })
  }

  leave(): void {
    this.#leaving.abort()
  }

  async #read(): Promise<void> {
    let text = ''
    try {
      for await (const piece of this.response.body!.pipeThrough(new TextDecoderStream())) {
        text += piece
        const frames = text.split('\n\n')
        text = frames.pop()!
        for (const frame of frames) this.events.push(eventIn(frame))
      }
    } catch {
      // It left, or the server is gone.
    }
    this.isOver = true
  }
}

function eventIn(frame: string): FeedEvent {
  const fields = new Map(frame.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]))
  return { event: fields.get('event')!, data: JSON.parse(fields.get('data')!) as Record<string, unknown>, id: fields.get('id') }
}
