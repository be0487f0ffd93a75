/** One deed, two answers: a page for people, JSON for programs. */
import type { Request, Response } from 'express'
import type { Html } from './html.ts'

/** A refusal that may be told. Thrown anywhere in a route; `app.ts` turns it into a page or into `{ error }`. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Programs say so by `Accept`, or by sending JSON, or by a method that no HTML form has. */
export function wantsJson(req: Pick<Request, 'accepts' | 'is' | 'method'>): boolean {
  if (req.accepts(['html', 'json']) === 'json') return true
  return req.method === 'PUT' || req.method === 'DELETE' || Boolean(req.is('application/json'))
}

export function sendPage(res: Response, page: Html, status = 200): void {
  res.status(status).vary('Accept').type('html').send(page.toString())
}

export function sendJson(res: Response, body: unknown, status = 200): void {
  res.status(status).vary('Accept').json(body)
}

/** A path of this shop that may follow a form, or the front door. Anything else would let a link send people elsewhere. */
export function nextPath(given: unknown): string {
  return typeof given === 'string' &&
    /^\/(?:basket|me|sessions|security|protection|books\/[a-z0-9][a-z0-9-]{0,39})?$/i.test(given)
    ? given
    : '/'
}
