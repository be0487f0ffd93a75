// The attacker has: the whole outbox, as a file and as rows, every event of the hub, and what an application was told.
// The attacker does: searches them for tokens, cookies, keys and logout tokens, and for names that lead from one application to another.
// The attacker must not obtain: anything that opens a session or ends one, or, pairwise, which sessions of two applications are one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { startReceiver } from '../oidc/hub/receiver.ts'
import { clientOf, KEYS, openSite, passing } from '../oidc/hub/support.ts'

async function stolen() {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-outbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'outbox.db')
  const outbox = sqliteOutbox(file)
  const [club, forum] = [await startReceiver(), await startReceiver()]
  club.answer = (response) => void response.writeHead(400).end()
  const clients = [clientOf('club', club, { sidFor: 'pairwise' }), clientOf('forum', forum, { sidFor: 'pairwise' })]
  const site = openSite({ outbox, clients })
  const { session } = await site.connected('ada', 'club', 'forum')
  const sessionId = session.id!
  const { token = '' } = await session.commit()
  await site.sessions.revoke(sessionId)
  await passing(site, 1000, () => site.events.some(({ type }) => type === 'delivery.given-up'))
  const rows = [await outbox.list('delivered', { limit: 9 }), await outbox.list('dead', { limit: 9 })]
  return { club, forum, token, sessionId, rows, bytes: readFileSync(file), events: site.events }
}

it('no token, no part of one, no key and no logout token stands in the outbox or in an event', async () => {
  const { token, bytes, rows, events, club, forum } = await stolen()
  const seen = bytes.toString('latin1') + JSON.stringify([rows, events])
  const secret = token.slice(-43)
  const logoutTokens = [...club.received, ...forum.received].map(({ body }) => body.slice('logout_token='.length))

  expect(token.length).toBeGreaterThan(80)
  for (const part of [token, secret, KEYS, Buffer.from(KEYS, 'base64url').toString('latin1')]) expect(seen).not.toContain(part)
  for (const logoutToken of logoutTokens) for (const part of logoutToken.split('.')) expect(seen).not.toContain(part)
})

it('what two applications were told names no session that both know', async () => {
  const { club, forum, sessionId } = await stolen()
  const told = (of: typeof club) => of.received.map(({ claims }) => JSON.stringify(claims))

  expect(new Set([...club.sids, ...forum.sids]).size).toBe(2)
  for (const claims of [...told(club), ...told(forum)]) expect(claims).not.toContain(sessionId)
})
