// What the console uses of preact, for the compiler (`paths` in tsconfig.json). Preact's own types bring those of the DOM, and names of a browser would then pass
// for names of Node in every file.
export type VNode<_Props = object> = unknown
export const Fragment: unknown
export function h(type: unknown, props: Record<string, unknown> | null, ...children: unknown[]): unknown
