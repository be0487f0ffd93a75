/**
 * What the store needs of a client, whatever its make: one command for one key, a write that waits for replicas, and connections that
 * listen. `ioredis.ts` and `node-redis.ts` provide it from the clients people have.
 */

export type Argument = string | Buffer

/** A reply to a command: a script's integers, strings and arrays. Errors reject. */
export type Reply = number | string | Buffer | null | readonly Reply[]

/** How many replicas must have a write, and how long it waits for them, in milliseconds. */
export interface Replication {
  readonly replicas: number
  readonly timeout: number
}

/** The reply to a write, and how many replicas have it. */
export interface Replicated {
  readonly reply: Reply
  readonly replicas: number
}

/** What a listening connection reports. */
export interface ConnectionListener {
  message(channel: string, message: string): void
  /** The connection is of no use any more: broken, or its channel is served elsewhere now. Called once. */
  lost(): void
}

/** A connection of our own that listens to channels. It does not reconnect: who uses it opens another. */
export interface Connection {
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Resolves when the server answers. */
  ping(): Promise<unknown>
  close(): void
}

/** A client, seen by the store. */
export interface Port {
  readonly isCluster: boolean
  /** The bytes at a key: the path of every request. */
  get(key: string): Promise<Buffer | null>
  /** Sends a command to where the key is. Bulk strings in the reply are bytes. */
  send(key: string, command: readonly Argument[]): Promise<Reply>
  /** Sends a write and `WAIT` over one connection, so that the count is of replicas that have this write. Bulk strings are text or bytes. */
  sendAndWait(key: string, command: readonly Argument[]): Promise<Replicated>
  /** Opens a connection that listens to one channel; `isSharded` where it is served by the node that has the channel's slot. */
  listen(channel: string, isSharded: boolean, listener: ConnectionListener): Promise<Connection>
  /** Closes what it opened itself. */
  close(): void
}
