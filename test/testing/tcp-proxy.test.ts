import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tcpProxy } from 'sojourn/testing'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'

let asked: string[]
let proxy: Awaited<ReturnType<typeof tcpProxy>>

/** A server that answers every message with the same in capitals, behind a proxy. */
beforeEach(async () => {
  asked = []
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('error', () => {})
    socket.on('data', (text: string) => {
      asked.push(text)
      socket.write(text.toUpperCase())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await tcpProxy({ port: (server.address() as AddressInfo).port })
  onTestFinished(async () => {
    await proxy.close()
    server.close()
  })
})

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1').setEncoding('utf8')
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** The answer, or `broken`, or `silence` when neither comes. */
function ask(socket: Socket, text: string, patience = 1000): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patience, 'silence')
    const settle = (outcome: string) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    socket.once('data', settle).once('close', () => settle('broken'))
    if (socket.destroyed) settle('broken')
    else socket.write(text)
  })
}

describe('tcpProxy', () => {
  it('passes everything on until it is told otherwise', async () => {
    const socket = await open()

    expect([await ask(socket, 'one'), await ask(socket, 'two')]).toEqual(['ONE', 'TWO'])
    expect(proxy.mode).toBe('pass')
  })

  it('delays answers by what it is told, and keeps their order', async () => {
    const socket = await open()
    proxy.setMode({ kind: 'latency', milliseconds: 60 })
    const started = performance.now()

    const answers = [await ask(socket, 'one'), await ask(socket, 'two')]

    expect(answers).toEqual(['ONE', 'TWO'])
    expect(performance.now() - started).toBeGreaterThanOrEqual(115)
  })

  it('loses one reply with its connection after the server has done what it was asked', async () => {
    const [socket, other] = [await open(), await open()]
    proxy.setMode({ kind: 'lose-reply', after: 1 })

    const answers = [await ask(socket, 'one'), await ask(socket, 'two'), await ask(other, 'three')]

    expect(answers).toEqual(['ONE', 'broken', 'THREE'])
    expect(asked).toEqual(['one', 'two', 'three'])
    expect([proxy.lostReplies, proxy.mode]).toEqual([1, 'pass'])
  })

  it('is silent while stalled, and breaks what was stalled when it ends', async () => {
    const socket = await open()
    proxy.setMode({ kind: 'stall' })

    const answer = await ask(socket, 'one', 100)
    const later = ask(socket, 'two')
    proxy.setMode({ kind: 'pass' })

    expect([answer, await later]).toEqual(['silence', 'broken'])
    expect(asked).toEqual([])
    expect(await ask(await open(), 'three')).toBe('THREE')
  })

  it('swallows the answer to what was asked before it stalled', async () => {
    const socket = await open()
    proxy.setMode({ kind: 'latency', milliseconds: 50 })
    const answering = ask(socket, 'one', 200)
    await expect.poll(() => asked).toEqual(['one'])
    proxy.setMode({ kind: 'stall' })

    expect(await answering).toBe('silence')
  })

  it('breaks connections and refuses new ones while cut, and heals', async () => {
    const socket = await open()
    proxy.setMode({ kind: 'cut' })

    const answers = [await ask(socket, 'one'), await ask(await open(), 'two')]
    proxy.setMode({ kind: 'pass' })

    expect(answers).toEqual(['broken', 'broken'])
    expect(asked).toEqual([])
    expect(await ask(await open(), 'three')).toBe('THREE')
  })

  it('tells a client that its server has closed the connection, with everything it said before', async () => {
    const server = createServer((socket) => socket.end('bye')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const polite = await tcpProxy({ port: (server.address() as AddressInfo).port })
    onTestFinished(async () => {
      await polite.close()
      server.close()
    })

    const socket = connect(polite.port, '127.0.0.1').setEncoding('utf8')
    let heard = ''
    socket.on('data', (text) => {
      heard += text
    })
    await once(socket, 'close')

    expect(heard).toBe('bye')
  })

  it('can be closed twice', async () => {
    await proxy.close()
    await proxy.close()
  })
})
