/** One field of what was sent, whatever was sent. */
import type { ShopRequest } from '../shop.ts'

export function bodyField(req: Pick<ShopRequest, 'body'>, name: string): unknown {
  const body: unknown = req.body
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined
}

/** The same as text of a bearable length; anything else is none. */
export function textField(req: Pick<ShopRequest, 'body'>, name: string, longest = 1024): string | undefined {
  const value = bodyField(req, name)
  return typeof value === 'string' && value.length <= longest ? value : undefined
}
