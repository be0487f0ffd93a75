/**
 * Refuses what another site's page makes a browser send: every unsafe method that says it comes from elsewhere.
 *
 * A small stand-in for the full guard of a later part, which adds a token for browsers that send neither header. Cookies are
 * SameSite=Lax as well, but a page on another port of the same host counts as the same site, so `same-site` is refused too.
 */
import type { NextFunction, Request, Response } from 'express'
import { Refusal } from './answers.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export function refuseForeignForms(req: Request, _res: Response, next: NextFunction): void {
  if (!SAFE.has(req.method) && isForeign(req))
    throw new Refusal(403, 'This request came from another site, so the shop did nothing.')
  next()
}

function isForeign(req: Request): boolean {
  const fetchSite = req.get('Sec-Fetch-Site')
  if (fetchSite !== undefined) return fetchSite !== 'same-origin' && fetchSite !== 'none'
  const origin = req.get('Origin')
  return origin !== undefined && origin !== `${req.protocol}://${req.get('Host')}`
}
