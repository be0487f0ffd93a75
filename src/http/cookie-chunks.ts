/**
 * A session too long for one cookie, as sealed cookies can be, spread over several: `sjn=3~first`, `sjn.1=second`, `sjn.2=third`. The
 * first says how many there are, so that left-overs of a longer time are not taken for a part. Whether the parts belong together the
 * seal over the whole tells.
 */
import { cookieValues, MOST_CANDIDATES } from './cookie-parse.ts'
import { CookieWriter } from './cookie-serialise.ts'

/** More is never sent: servers refuse such headers. */
export const MOST_CHUNKS = 4
const COUNTED = /^([2-4])~/
const TILDE = 0x7e

/** What a request's `Cookie` header has for the session, parts put together. Like `cookieValues`, whatever the header. */
export function sessionValues(header: string, name: string): readonly string[] {
  const values = cookieValues(header, name)
  return values.some((value) => value.charCodeAt(1) === TILDE)
    ? values.flatMap((value) => assembled(header, name, value)).slice(0, MOST_CANDIDATES)
    : values
}

/** Every way to complete a first part: where somebody tossed a second `sjn.1`, the seal decides which is ours. */
function assembled(header: string, name: string, first: string): string[] {
  const count = Number(COUNTED.exec(first)?.[1] ?? 1)
  if (count === 1) return [first]
  let wholes = [first.slice(2)]
  for (let i = 1; i < count; i++) {
    const parts = cookieValues(header, chunkName(name, i))
    wholes = wholes.flatMap((start) => parts.map((part) => start + part)).slice(0, MOST_CANDIDATES)
  }
  return wholes.length === 0 ? [first] : wholes
}

const chunkName = (name: string, index: number) => `${name}.${index}`

/** Writes the session cookie, over several cookies where one is too small. */
export class ChunkedCookie {
  readonly writer: CookieWriter
  /** The writers of the further parts. */
  readonly #further: readonly CookieWriter[]

  constructor(writer: CookieWriter) {
    this.writer = writer
    const { shape } = writer
    this.#further = Array.from(
      { length: MOST_CHUNKS - 1 },
      (_, i) => new CookieWriter({ ...shape, name: chunkName(shape.name, i + 1) }),
    )
  }

  /**
   * The lines that set the cookie and remove parts of a longer one that the request brought.
   *
   * @param header - The request's `Cookie` header.
   * @throws {SojournError} `ERR_COOKIE_TOO_LARGE`, `ERR_ARGUMENT_INVALID` - as `CookieWriter.set`.
   */
  setLines(tokenOrValue: string, persistence: Parameters<CookieWriter['set']>[1], header: string | undefined): string[] {
    const { writer } = this
    const room = Math.min(writer.roomForValue - 2, this.#further[0]!.roomForValue)
    const count = tokenOrValue.length <= writer.roomForValue ? 1 : Math.ceil(tokenOrValue.length / room)
    // The one writer says best why a value of any length is too long.
    if (count === 1 || count > MOST_CHUNKS) return [writer.set(tokenOrValue, persistence), ...this.#clearFurther(1, header)]
    const part = (i: number) => tokenOrValue.slice(i * room, (i + 1) * room)
    const further = this.#further.slice(0, count - 1).map((each, i) => each.set(part(i + 1), persistence))
    return [writer.set(`${count}~${part(0)}`, persistence), ...further, ...this.#clearFurther(count, header)]
  }

  /** The lines that remove the cookie and every part of it that the request brought. */
  clearLines(header: string | undefined): string[] {
    return [this.writer.clear, ...this.#clearFurther(1, header)]
  }

  /** The line that removes a stray cookie of ours from another scope, and the same for each further part that the request brought. */
  strayLines(line: string, header: string | undefined): string[] {
    const attributes = line.slice(this.writer.shape.name.length)
    return [line, ...this.#brought(1, header).map(({ shape }) => shape.name + attributes)]
  }

  /** Whether a `Set-Cookie` line is about this cookie or a part of it. */
  isAbout(line: string): boolean {
    return this.writer.isAbout(line) || this.#further.some((each) => each.isAbout(line))
  }

  #clearFurther(from: number, header: string | undefined): string[] {
    return this.#brought(from, header).map(({ clear }) => clear)
  }

  #brought(from: number, header: string | undefined): readonly CookieWriter[] {
    if (header === undefined) return []
    return this.#further.slice(from - 1).filter(({ shape }) => cookieValues(header, shape.name).length > 0)
  }
}
