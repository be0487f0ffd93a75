/** `compose.yaml`, where no Docker is: its services are what the docs name, and its shell scripts do what they are for. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sendTo, until } from '../servers/redis.ts'
import { freePort, temporaryFolder } from '../servers/server.ts'
import { root } from './scratch.ts'

const compose = readFileSync(join(root, 'compose.yaml'), 'utf8')
const docs = readFileSync(join(root, 'docs/stores/README.md'), 'utf8')

/** The text of each service, without the indentation of the two levels above it. */
const services = new Map(
  compose
    .slice(compose.indexOf('\nservices:\n') + 11)
    .split(/^ {2}(?=[a-z][a-z-]*:$)/m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf('\n') + 1).replace(/^ {4}/gm, '')]),
)

/** Ports of this machine, ranges spelled out. */
function portsOf(service: string): number[] {
  return [...service.matchAll(/127\.0\.0\.1:(\d+)(?:-(\d+))?:(\d+)(?:-(\d+))?/g)].flatMap(([, from, to = from, inside]) => {
    expect(inside).toBe(from)
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i)
  })
}

describe('compose.yaml', () => {
  test('has a service for each server that the tests start, of a pinned version', () => {
    expect([...services.keys()]).toEqual(['redis', 'redis-sentinel', 'redis-cluster', 'postgres', 'memcached'])
    for (const text of services.values()) expect(text).toMatch(/^image: [a-z]+:\d+(\.\d+)?-alpine$/m)
  })

  test('opens every port to this machine only, and none twice', () => {
    const ports = [...services.values()].flatMap(portsOf)
    const published = [...compose.matchAll(/\d[\d.]*(?::\d+(?:-\d+)?){1,2}(?=')/g)].map(([text]) => text)

    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    expect(new Set(ports).size).toBe(ports.length)
    expect(ports).toHaveLength(1 + 5 + 6 + 1 + 1)
  })

  const commands = [...`${compose}\n${docs}`.matchAll(/docker compose up -d ([a-z]+)\s+(?:then|&&)\s+STORE=(\S+) npm start/g)]

  test('is named in the docs and in its own head by a command for each store', () => {
    expect(commands.map(([, service]) => service)).toEqual([...THREE, ...THREE])
  })

  test.each(commands.map(([, service, url]) => [service!, url!]))('%s is where %s looks for it', (name, url) => {
    const { port, protocol, username, password, pathname } = new URL(url)
    const service = services.get(name)!

    expect(portsOf(service)).toEqual([Number(port)])
    expect(protocol).toBe(`${name}:`)
    if (name !== 'postgres') return
    expect(service).toMatch(new RegExp(`POSTGRES_USER: ${username}$`, 'm'))
    expect(service).toMatch(new RegExp(`POSTGRES_PASSWORD: ${password}$`, 'm'))
    // The image makes a database of the user's name.
    expect(pathname).toBe(`/${username}`)
  })
})

describe('the scripts of compose.yaml, run by this machine’s shell and Redis on other ports', () => {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends) await end()
  })

  /** Runs the script of a service with each published port replaced by a free one; gives these in the same order. */
  async function run(name: string): Promise<number[]> {
    const service = services.get(name)!
    const ports = await Promise.all(portsOf(service).map(nodePort))
    const block = /- \|\n((?: {4}.*\n|\n)+)/.exec(service)![1]!.replace(/^ {4}/gm, '').replaceAll('$$', '$')
    const script = portsOf(service).reduce(
      (text, port, i) => text.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(ports[i])),
      block,
    )
    const folder = await temporaryFolder()
    const child = spawn('sh', ['-ec', script], { cwd: folder, stdio: 'ignore' })
    ends.push(async () => {
      child.kill('SIGKILL')
      await Promise.all(ports.map((port) => sendTo(port, ['SHUTDOWN', 'NOSAVE']).catch(() => {})))
      await rm(folder, { recursive: true, force: true })
    })
    return ports
  }

  test('redis-sentinel: three Sentinels watch a primary that its replica follows', async () => {
    const [primary, replica, ...sentinels] = await run('redis-sentinel')
    const known = ['num-slaves\r\n$1\r\n1', 'num-other-sentinels\r\n$1\r\n2', `port\r\n$${String(primary).length}\r\n${primary}`]

    expect(sentinels).toHaveLength(3)
    await until(async () => (await sendTo(replica!, ['INFO', 'replication'])).includes('master_link_status:up'))
    await until(async () => {
      const answers = await Promise.all(sentinels.map((port) => sendTo(port, ['SENTINEL', 'MASTER', 'sojourn'])))
      return answers.every((answer) => known.every((text) => answer.includes(text)))
    })
  })

  test('redis-cluster: three primaries serve all slots, each with a replica', async () => {
    const ports = await run('redis-cluster')

    await until(async () => {
      const states = await Promise.all(ports.map((port) => sendTo(port, ['CLUSTER', 'INFO'])))
      const map = await sendTo(ports[0]!, ['CLUSTER', 'NODES'])
      const replicas = map.split('slave').length - 1
      return states.every((state) => /cluster_state:ok\r\ncluster_slots_assigned:16384/.test(state)) && replicas === 3
    })
  })
})

const THREE = ['redis', 'postgres', 'memcached']

/** A Cluster's nodes speak to each other on a port 10,000 above. */
async function nodePort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 55_535) return port
  }
}
