import type { Application, Request } from 'express'
import express from 'express'
import { expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { type CspDirectives, cspNonce, type SecurityHeadersOptions, securityHeaders } from '../../src/http/headers.ts'
import { type InputResult, validInput } from '../../src/http/input.ts'

it('the middleware fits Express, with the request that Express gives', () => {
  const app: Application = express()
  app.use(securityHeaders({ isSecure: (request: Request) => request.secure }))
  app.get('/', (_req, res) => void res.send(cspNonce(res)))
})

it('a directive, a keyword of an option or a feature that does not exist is no type', () => {
  // @ts-expect-error: in kebab case, as the header has it
  const directives: CspDirectives = { scriptSrc: ["'self'"] }
  // @ts-expect-error: leaks whole addresses
  const options: SecurityHeadersOptions = { referrerPolicy: 'unsafe-url' }
  // @ts-expect-error: misspelt
  const permissions: SecurityHeadersOptions = { permissions: { cammera: [] } }

  expectTypeOf([directives, options, permissions]).toBeArray()
})

it('a result is the value or the issues, never both', async () => {
  const result = await validInput(z.object({ age: z.coerce.number() }), {})

  expectTypeOf(result).toEqualTypeOf<InputResult<{ age: number }>>()
  if (result.ok) expectTypeOf(result.value.age).toBeNumber()
  else expectTypeOf(result.issues[0]!.path).toEqualTypeOf<readonly (string | number)[]>()
})
