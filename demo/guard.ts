/**
 * Who needs no token against forged requests. Sojourn refuses by itself what another site's page makes a browser send; it asks for a token where
 * a request says nothing of where it began, which browsers of today always do, and programs such as curl never.
 */
import type { Request } from 'express'
import { wantsJson } from './answers.ts'

/**
 * Whether a request is a program's: it asks for JSON, and does not call itself a browser. No page can make a browser leave its name out, and
 * no form can ask for JSON.
 */
export function isProgram(req: Request): boolean {
  return wantsJson(req) && !(req.get('User-Agent') ?? '').startsWith('Mozilla/')
}
