import express, { type NextFunction, type Request, type Response } from 'express'
import { createSessions, hours, minutes, type Session } from 'sojourn'
import {
  assuranceErrors,
  requireAssurance,
  type SessionApplication,
  type SessionRequest,
  type SessionRouter,
  sessionMiddleware,
} from 'sojourn/express'
import { createStepUp } from 'sojourn/stepup'
import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { testKey } from '../http/support/keys.ts'

// Compiled by `tsc`, so most of this file is its own assertion.
const sessions = createSessions({
  store: memoryStore(),
  keys: testKey(),
  data: z.object({ basket: z.array(z.string()).default([]) }),
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
})
interface Data {
  basket: string[]
}

test('the quick start compiles: req.session is the session of the service', () => {
  const user = { id: 'ada' }
  const app: SessionApplication<typeof sessions> = express()

  app.use(sessionMiddleware(sessions))
  app.post('/login', async (req, res) => {
    expectTypeOf(req.session).toExtend<Session<Data>>()
    await req.session.signIn({ subject: user.id, method: 'pwd' })
    res.redirect('/')
  })
  app.post('/logout', async (req, res) => {
    await req.session.signOut()
    res.redirect('/')
  })

  expect(app).toBeTypeOf('function')
})

test('parameters, several handlers, chains and routers keep their types', () => {
  const app: SessionApplication<typeof sessions> = express()
  const router: SessionRouter<typeof sessions> = express.Router()

  router.put('/basket/:item/:count', requireSubject, (req, res) => {
    expectTypeOf(req.params.item).toEqualTypeOf<string>()
    expectTypeOf(req.params.count).toEqualTypeOf<string>()
    req.session.data.basket.push(req.params.item)
    res.json(req.session.data)
  })
  app.use(express.json(), sessionMiddleware(sessions)).use('/account', router)
  app.use((req, res, next) => {
    expectTypeOf(req.session.data).toExtend<Data>()
    res.locals.subject = req.session.subject
    next()
  })
  app.use('/basket', (req, _res, next) => next(req.session.subject === undefined ? new Error('nobody') : undefined))
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error instanceof Error ? 500 : 400).end()
  })
  app.set('trust proxy', 1)

  expect(app).toBeTypeOf('function')
})

test('a session of another service is not taken for this one', () => {
  const others = createSessions({ store: memoryStore(), keys: testKey(), data: z.object({ theme: z.string().default('light') }) })
  const app: SessionApplication<typeof others> = express()

  app.get('/', (req, res) => {
    expectTypeOf(req.session.data).toEqualTypeOf<{ theme: string }>()
    // @ts-expect-error there is no basket in that service's data
    res.json(req.session.data.basket)
  })

  expect(app).toBeTypeOf('function')
})

test('a plain Express request has no session: nothing is declared globally', () => {
  const read = (req: Request) => {
    // @ts-expect-error only requests behind the middleware have one of ours; the types of express-session, of the bench, have another
    return req.session.signIn
  }

  expect(read).toBeTypeOf('function')
})

function requireSubject(req: SessionRequest<typeof sessions>, res: Response, next: NextFunction): void {
  if (req.session.subject === undefined) res.sendStatus(401)
  else next()
}

test('step-up takes the session of any service, and its middleware goes in front of any handler', () => {
  const app: SessionApplication<typeof sessions> = express()
  const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Shop' })

  app.use(sessionMiddleware(sessions, { guards: [stepUp], signInPage: '/sign-in' }))
  app.post('/login', async (req, res) => {
    const verdict = await stepUp.throttle.attempt('password', 'ada', req.session)
    if (!verdict.isAllowed) return res.status(429).send(String(verdict.retryAfter))
    // @ts-expect-error Only keys of the data can be kept.
    await stepUp.signIn(req.session, { subject: 'ada', method: 'pwd', keep: ['bascet'] })
    const { pending } = await stepUp.signIn(req.session, { subject: 'ada', method: 'pwd', keep: ['basket'] })
    return res.redirect(pending === undefined ? '/' : '/step-up')
  })
  app.post('/code', async (req, res) => {
    const outcome = await stepUp.totp.verify(req.session, req.body.code)
    res.send(outcome.ok ? outcome.factorId : outcome.reason)
  })
  app.get('/checkout/:id', requireAssurance({ acr: 'aal2', maxAge: minutes(5) }), async (req, res) => {
    expectTypeOf(req.session.data).toExtend<Data>()
    res.send(await stepUp.approvals.spend(req.session, { operation: 'pay', parameters: { id: req.params.id } }))
  })
  // @ts-expect-error There is no such level.
  app.get('/safe', requireAssurance({ acr: 'aal5' }))
  app.use(assuranceErrors())

  expect(app).toBeTypeOf('function')
})
