/** A store served over TCP, one line a request: the smallest engine that has a network which can fail. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { deserialize, serialize } from 'node:v8'
import { isSojournError } from 'sojourn'
import type { Store } from '../../../src/core/store.ts'

export interface Request {
  readonly number: number
  /** `read`, or `ledger.claim`. */
  readonly operation: string
  readonly given: readonly unknown[]
}

export type Reply = { readonly number: number } & ({ readonly value: unknown } | { readonly code: string })

export const toLine = (message: unknown) => `${serialize(message).toString('base64')}\n`
export const fromLine = <T>(line: string) => deserialize(Buffer.from(line, 'base64')) as T

/** Serves `store` on a free loopback port until it is stopped. */
export async function serve(store: Store) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    const lines = createInterface(socket)
    lines
      .on('error', () => {})
      .on('line', (line) => void answer(store, fromLine(line)).then((reply) => socket.write(toLine(reply))))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, stop }
}

async function answer(store: Store, { number, operation, given }: Request): Promise<Reply> {
  const [part, name] = operation.startsWith('ledger.') ? [store.ledger, operation.slice(7)] : [store, operation]
  try {
    return { number, value: await (part as unknown as Record<string, (...given: unknown[]) => unknown>)[name]!(...given) }
  } catch (error) {
    return { number, code: isSojournError(error) ? error.code : 'ERR_STORE_UNAVAILABLE' }
  }
}
