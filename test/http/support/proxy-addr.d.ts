declare module 'proxy-addr' {
  import type { IncomingMessage } from 'node:http'
  /** The client's address by Express's rules. */
  export default function proxyAddr(request: Pick<IncomingMessage, 'headers' | 'socket'>, trust: readonly string[]): string
}
