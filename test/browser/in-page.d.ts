export function worstContrast(): { pair: string; ratio: number }
export function missing(): string[]
export function focus(): { text: string; isInMain: boolean; outline: string }
export function withinReach(): string
export function fontsReady(): Promise<void>
export function fetchAll(methodAndPaths: string[]): Promise<{ status: number; body: string }[]>
export function bodyText(): string
export function takeLoot(): Promise<string>
export function originsOf(links: readonly string[]): string[]
export function ceremony(how: {
  readonly kind: 'create' | 'get'
  readonly optionsJSON: unknown
  readonly useBrowserAutofill: boolean
}): Promise<{ readonly answer?: { readonly id: string; readonly response: Record<string, string> }; readonly error?: string }>
export function postJson(request: { readonly path: string; readonly body: unknown }): Promise<unknown>
export function axeViolations(): Promise<string[]>
