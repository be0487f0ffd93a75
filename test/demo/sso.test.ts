import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { runDemo, temporaryFolder } from './demo-process.ts'

/** What it says when it does not open. */
async function refusalOf(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const demo = runDemo({ PORT: '0', DEMO_DATA: temporaryFolder(), ...env }, args)
  onTestFinished(() => void demo.kill('SIGKILL'))
  const [code] = await once(demo, 'exit')
  expect(code).toBe(1)
  return demo.output().trim()
}

it('--sso with a store that finds no visits by their sign-in says which stores do', { timeout: 30_000 }, async () => {
  expect(await refusalOf(['--sso'], { STORE: 'cookie' })).toBe(
    '--sso needs a store that finds visits by their sign-in at Sojourn ID, which cookie cannot; leave out STORE, or set it to memory, redis or postgres.',
  )
})

it('--sso and --tls do not go together, and that is said', { timeout: 30_000 }, async () => {
  expect(await refusalOf(['--sso', '--tls'])).toBe(
    '--sso opens three addresses over plain HTTP on this machine; leave out --tls.',
  )
})

it('--sso says which command chooses other ports when one of the three is taken', { timeout: 30_000 }, async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as AddressInfo

  expect(await refusalOf(['--sso'], { PORT: String(port - 1) })).toContain(
    `Port ${port} is in use by another program; stop that, or choose another port: PORT=${port + 9} npm start -- --sso.`,
  )
})
