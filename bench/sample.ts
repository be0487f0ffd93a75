/** The sessions that every variant holds: the same people with the same data, about 300 bytes of JSON each. */
import { randomBytes } from 'node:crypto'

export interface SampleData {
  basket?: { isbn: string; quantity: number; title: string }[]
  locale?: string
  theme?: string
}

/** Fewer where only the answers are looked at. */
export const SESSIONS = Number(process.env.SOJOURN_BENCH_SESSIONS ?? 1000)

export const subjectOf = (index: number): string => `user-${String(index).padStart(7, '0')}`

/** 308 bytes as JSON. */
export const sampleData = (): Required<SampleData> => ({
  basket: Array.from({ length: 4 }, (_, i) => ({ isbn: `978-0-00-00000${i}`, quantity: i + 1, title: 'The name of the book' })),
  locale: 'en-GB',
  theme: 'dark',
})

/** What every variant answers, whatever it read it from. */
export const answerOf = (subject: string, items: number): string => `{"user":"${subject}","items":${items}}`

export const newKey = (): string => randomBytes(32).toString('base64url')
