/** What `feed.ts` and `services.ts` say to each other. */
export type Question =
  | { readonly kind: 'open'; readonly services: number; readonly issuer: string; readonly clientSecret: string }
  | { readonly kind: 'watch'; readonly token: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'close' }

export const AUDIENCE = 'https://api.example'
