/** What guards one visit, in words for the page that shows it. */

/** One layer, and how much it holds in this browser at this moment. */
export interface Protection {
  readonly key: 'device' | 'traits' | 'token' | 'requests' | 'pages'
  readonly title: string
  readonly strength: 'strong' | 'fair' | 'none'
  readonly headline: string
  /** What it is good for; never changes. */
  readonly why: string
  readonly facts: readonly (readonly [term: string, value: string])[]
}
