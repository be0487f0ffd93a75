/** Reads server-sent events (WHATWG HTML, 9.2) in bounded memory: what is longer than anything a feed says ends the stream. */

export interface StreamEvent {
  /** `message` where the stream says none. */
  readonly event: string
  readonly data: string
  /** The last `id` so far; stays until another comes. */
  readonly id: string
}

const LONGEST_LINE = 4096
const LONGEST_DATA = 8192

/** @throws {RangeError} A line or an event is too long. */
export async function* eventsIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let [event, data, id] = ['', '', '']
  let hasData = false
  for await (const line of linesIn(pieces)) {
    if (line === '') {
      // An event without data is none.
      if (hasData) yield { event: event === '' ? 'message' : event, data, id }
      ;[event, data, hasData] = ['', '', false]
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    // It goes back in a header, where a NUL must not stand.
    else if (field === 'id' && value.length <= 256 && /^[\x20-\x7e]*$/.test(value)) id = value
    else if (field === 'data') {
      data = hasData ? `${data}\n${value}` : value
      hasData = true
      if (data.length > LONGEST_DATA) throw new RangeError('event too long')
    }
  }
}

/** Lines end with CR, LF or both, also across pieces. What stands after the last end is no line yet. */
async function* linesIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  let endedWithReturn = false
  for await (const piece of pieces) {
    let text = decoder.decode(piece, { stream: true })
    if (text === '') continue
    if (endedWithReturn && text.startsWith('\n')) text = text.slice(1)
    endedWithReturn = text.endsWith('\r')
    const lines = (rest + text).split(/\r\n|\r|\n/)
    rest = lines.pop()!
    if (rest.length > LONGEST_LINE) throw new RangeError('line too long')
    for (const line of lines) {
      if (line.length > LONGEST_LINE) throw new RangeError('line too long')
      yield line
    }
  }
}
