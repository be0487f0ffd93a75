/** What the shop says when it cannot open on the store it was told: one sentence with what to do, and never a password. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readSettings } from '../../demo/settings.ts'
import { readStoreChoice, type ServerChoice } from '../../demo/stores/choice.ts'
import { openStore } from '../../demo/stores/open.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis, startRedisCluster, startSentinels } from '../servers/redis.ts'
import { freePort } from '../servers/server.ts'
import { runDemo, temporaryFolder } from './demo-process.ts'

/** The sentence; fails if it opens after all. */
async function complaintOf(store: string): Promise<string> {
  const dataFolder = temporaryFolder()
  const opened = await openStore({ store: readStoreChoice(store), maxStaleness: 0, dataFolder }).catch((error) => error)
  expect(opened).toBeInstanceOf(Error)
  expect(opened.constructor.name).toBe('StartError')
  return opened.message
}

/** One sentence: one line that ends with a full stop. */
const SENTENCE = /^[^\n]+\.$/

async function runToItsEnd(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = runDemo({ PORT: '0', DEMO_DATA: temporaryFolder(), ...env })
  await once(child, 'close')
  return { code: child.exitCode, output: child.output().trim() }
}

describe('STORE', () => {
  it.each([
    ['redis://localhost', 'redis', [{ host: 'localhost', port: 6379 }], ''],
    ['rediss://shop:%40%2F%3A@cache.example:6380/3', 'redis', [{ host: 'cache.example', port: 6380 }], '3'],
    ['redis://[::1]:6379', 'redis', [{ host: '::1', port: 6379 }], ''],
    [
      'redis+sentinel://a:1,b/sojourn',
      'redis-sentinel',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
      'sojourn',
    ],
    [
      'redis-cluster://a:7000,b:7001',
      'redis-cluster',
      [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
      '',
    ],
    ['postgres://db/shop?sslmode=verify-full', 'postgres', [{ host: 'db', port: 5432 }], 'shop'],
    ['postgresql://ada@db:6432/shop', 'postgres', [{ host: 'db', port: 6432 }], 'shop'],
    [
      'memcached://a,b:11212',
      'memcached',
      [
        { host: 'a', port: 11_211 },
        { host: 'b', port: 11_212 },
      ],
      '',
    ],
  ])('%s is understood', (given, kind, servers, path) => {
    expect(readStoreChoice(given)).toMatchObject({ kind, servers, path })
  })

  it('takes special characters of a password percent-encoded', () => {
    const choice = readStoreChoice('rediss://shop:%40%2F%3A@cache.example') as ServerChoice

    expect([choice.username, choice.secretPassword, choice.isEncrypted]).toEqual(['shop', '@/:', true])
  })

  it.each(['', 'sqlite', 'memory', 'cookie'])('takes "%s"', (given) => {
    expect(readStoreChoice(given).kind).toBe(given || 'sqlite')
  })

  it.each([
    'mysql',
    'Redis',
    'hunter2',
    'mysql://root:hunter2@localhost/shop',
    'redis',
    'redis:',
    'redis://',
    'redis:hunter2',
    'redis://:hunter2@',
    'redis://:hunter2@localhost:0',
    'redis://:hunter2@localhost:65536',
    'redis://:hunter2@localhost/shop',
    'redis://:hunter2@localhost,elsewhere',
    'redis://:hunter2@localhost?tls=true',
    'redis://shop:12/hunter2@localhost:6379',
    'redis://shop:hunter2#3@localhost',
    'redis://shop:hunter2%@localhost',
    'redis://shop@hunter2@localhost',
    'redis+sentinel://:hunter2@localhost',
    'redis-cluster://:hunter2@localhost/1',
    'redis-cluster://:hunter2@localhost,',
    'postgres://',
    'postgres://ada:hunter2@one,two/shop',
    'postgres://ada:1/hunter2@db/shop',
    'postgres:///shop?password=hunter2',
    'memcached://:hunter2@localhost:11211/1',
    'memcached://a:hunter2',
    '__proto__',
    'constructor://:hunter2@localhost',
    '\nredis://:hunter2@localhost',
    'redis://:hunter2@localhost\n',
  ])('%j is refused in a sentence that gives an example and repeats no password', (given) => {
    const refuse = () => readStoreChoice(given)

    expect(refuse).toThrow(SENTENCE)
    expect(refuse).toThrow(/^STORE .*(such as|write it like) /)
    expect(refuse).not.toThrow(/hunter2|root|ada/)
  })

  it.each([
    ['sqlite', 'yes', /^NEAR_CACHE is neither 1 nor 0; /],
    ['sqlite', '1', /^NEAR_CACHE=1 needs a store .* which sqlite does not; /],
    ['cookie', '1', /^NEAR_CACHE=1 needs a store .* which cookie does not; /],
    ['memcached://localhost', '1', /^NEAR_CACHE=1 needs a store .* which memcached does not; /],
  ])('%s with NEAR_CACHE=%s is refused', (STORE, NEAR_CACHE, expected) => {
    const read = () => readSettings({ STORE, NEAR_CACHE, DEMO_DATA: temporaryFolder() })

    expect(read).toThrow(expected)
    expect(read).toThrow(SENTENCE)
  })
})

describe('a server that is away at start', () => {
  it.each([
    ['redis', 'redis', 'redis-server', ''],
    ['redis-cluster', 'redis-cluster', 'redis-server', ''],
    ['redis+sentinel', 'redis-sentinel', 'redis-sentinel', '/sojourn'],
    ['postgres', 'postgres', 'postgresql', '/shop'],
    ['memcached', 'memcached', 'memcached', ''],
  ])('%s: where it was looked for, and how to start it', async (scheme, service, debianPackage, path) => {
    const port = await freePort()

    const complaint = await complaintOf(`${scheme}://ada:hunter2@127.0.0.1:${port}${path}`)

    expect(complaint).toMatch(SENTENCE)
    expect(complaint).toContain(`at 127.0.0.1:${port} does not answer`)
    expect(complaint).toContain(`docker compose up -d ${service}\``)
    expect(complaint).toContain(`Debian's package ${debianPackage},`)
    expect(complaint).not.toMatch(/hunter2|ada/)
  })

  it('takes seconds to find out, not minutes, when something else takes the connection and says nothing', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as { port: number }
    const startedAt = performance.now()

    const complaints = await Promise.all(
      ['redis', 'redis-cluster', 'postgres', 'memcached'].map((scheme) => complaintOf(`${scheme}://127.0.0.1:${port}`)),
    )

    for (const complaint of complaints) expect(complaint).toContain('does not answer')
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  it('ends the shop with 1 and that sentence alone', async () => {
    const port = await freePort()

    const { code, output } = await runToItsEnd({ STORE: `redis://:hunter2@127.0.0.1:${port}` })

    expect(code).toBe(1)
    expect(output).toMatch(SENTENCE)
    expect(output).toContain(`Redis at 127.0.0.1:${port} does not answer (ECONNREFUSED); start it with`)
    expect(output).not.toContain('hunter2')
  })
})

describe('a server that is there and cannot be used', () => {
  it('is named with what to mend: Redis', async () => {
    const [redis, cluster, sentinels] = await Promise.all([
      startRedis('--user', 'shop', 'on', '>hunter2', '~*', '&*', '+@all'),
      startRedisCluster(),
      startSentinels(),
    ])
    onTestFinished(async () => {
      await Promise.all([redis.stop(), cluster.stop(), sentinels.stop()])
    })
    const at = ({ port }: { port: number }) => `127.0.0.1:${port}`
    const [node, sentinel] = [cluster.nodes[0]!, sentinels.sentinels[0]!]

    expect(await complaintOf(`redis://shop:hunter3@${at(redis)}`)).toMatch(/ refuses the name and password; .* \(WRONGPASS\)\.$/)
    expect(await complaintOf(`redis://${at(redis)}/99`)).toMatch(/ has no database of that number; /)
    expect(await complaintOf(`redis://${at(sentinels.replica)}`)).toMatch(/ is a replica; .* \(READONLY\)\.$/)
    expect(await complaintOf(`redis://${at(node)}`)).toMatch(/ is a node of a Cluster; .*redis-cluster:/)
    expect(await complaintOf(`redis-cluster://${at(redis)}`)).toMatch(/ is no Cluster; /)
    expect(await complaintOf(`redis+sentinel://${at(redis)}/sojourn`)).toMatch(/ is no Sentinel; /)
    expect(await complaintOf(`redis+sentinel://${at(sentinel)}/elsewhere`)).toMatch(/ knows no primary of that name; /)
  })

  it('is named with what to mend: PostgreSQL', async () => {
    const postgres = await startPostgres()
    onTestFinished(() => postgres.stop())
    const { port } = postgres.address
    const client = await postgres.client()
    await client.query('CREATE ROLE visitor LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    await client.end()

    expect(await complaintOf(`postgres://postgres@127.0.0.1:${port}/nowhere`)).toMatch(/ has no such database; .* \(3D000\)\.$/)
    expect(await complaintOf(`postgres://nobody@127.0.0.1:${port}/postgres`)).toMatch(/ does not let this user in; /)
    expect(await complaintOf(`postgres://visitor@127.0.0.1:${port}/postgres`)).toMatch(
      / does not let this user create the tables; /,
    )
  })
})

describe('a client’s package that is not installed', () => {
  it.each([
    ['ioredis', 'redis://localhost'],
    ['pg', 'postgres://localhost'],
    ['memjs', 'memcached://localhost'],
  ])('%s is named, with the command that installs it', async (name, STORE) => {
    const hooks = join(temporaryFolder(), 'hooks.mjs')
    writeFileSync(
      hooks,
      `import { registerHooks } from 'node:module'
       registerHooks({ resolve: (specifier, context, next) => next(specifier === '${name}' ? 'not-installed' : specifier, context) })`,
    )

    const { code, output } = await runToItsEnd({ STORE, NODE_OPTIONS: `--import=${pathToFileURL(hooks)}` })

    expect(code).toBe(1)
    expect(output).toBe(
      `The store that STORE names needs the package ${name}, which is not installed; run \`npm install ${name}\` first.`,
    )
  })
})
