/** @fastify/csrf-protection, as its manual has it, over @fastify/cookie: its secret is in a cookie of its own. */
import { type FastifyApp, type FastifyPeer, protectedOnFastify } from '../http/protected.ts'
import { loadPeer } from './install.ts'

const pluginOf = async (name: string) => (await loadPeer<{ default: unknown }>(name)).default

export const fastifyCsrfProtection = protectedOnFastify({}, async (app: FastifyApp): Promise<FastifyPeer> => {
  app.register(await pluginOf('@fastify/cookie'))
  app.register(await pluginOf('@fastify/csrf-protection'), { cookieOpts: { path: '/', sameSite: true, httpOnly: true } })
  await (app as unknown as { after(): Promise<void> }).after()
  const { csrfProtection } = app as unknown as { csrfProtection: unknown }
  return { token: (reply) => (reply as { generateCsrf(): string }).generateCsrf(), preHandler: csrfProtection }
})
