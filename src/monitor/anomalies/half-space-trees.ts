/**
 * Half-space trees (Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011): random trees that halve the space of values, and count how many of the
 * latest observations fell into each half. Where few fell, something is unlike the rest. Nothing is learnt by heart: a window's counts replace those of the one before.
 */

/** From 0 to 1, as many as the trees were made for. */
type Point = readonly number[]

const TREES = 25
const DEPTH = 8
export const WINDOW = 250
/** Beneath so few, a half says nothing more. */
const SMALLEST = 0.1 * WINDOW
/** Only what is rarer than this share of the latest window is suspicious at all. */
const RARE = 0.05

interface Tree {
  readonly dimensions: Uint8Array
  readonly splits: Float64Array
  /** Of the window before, and of the one that fills. */
  reference: Uint32Array
  latest: Uint32Array
}

export class HalfSpaceTrees {
  readonly #trees: readonly Tree[]
  #learnt = 0
  /** Mass under which a twentieth of the window before lay; 0 until there was one. */
  #rareMass = 0
  #masses: number[] = []

  /** @param random - A number from 0 to 1. */
  constructor(dimensions: number, random: () => number) {
    this.#trees = Array.from({ length: TREES }, () => newTree(dimensions, random))
  }

  /** Whether a window is full, so that there is something to compare with. */
  get isReady(): boolean {
    return this.#rareMass > 0
  }

  /** From 0, as common as most, to 1, where nothing was before. */
  score(point: Point): number {
    if (!this.isReady) return 0
    return Math.max(0, 1 - this.#massOf(point) / this.#rareMass)
  }

  learn(point: Point): void {
    this.#masses.push(this.#massOf(point))
    for (const tree of this.#trees) walk(tree, point, (node) => tree.latest[node]!++)
    this.#learnt++
    if (this.#learnt % WINDOW !== 0) return
    const isFirst = this.#learnt === WINDOW
    for (const tree of this.#trees) {
      const { reference, latest } = tree
      tree.reference = latest
      tree.latest = reference.fill(0)
    }
    // The first window had none before it to be measured by.
    if (!isFirst) this.#rareMass = Math.max(1, this.#masses.sort((a, b) => a - b)[Math.floor(RARE * WINDOW)]!)
    this.#masses = []
  }

  #massOf(point: Point): number {
    let mass = 0
    for (const tree of this.#trees) {
      let [last, depth] = [0, 0]
      walk(tree, point, (node, at) => {
        last = node
        depth = at
        return tree.reference[node]! > SMALLEST
      })
      mass += tree.reference[last]! * 2 ** depth
    }
    return mass / TREES
  }
}

/** Down from the root, for as long as `visit` does not say `false`. */
function walk({ dimensions, splits }: Tree, point: Point, visit: (node: number, depth: number) => unknown): void {
  let node = 0
  for (let depth = 0; depth <= DEPTH; depth++) {
    if (visit(node, depth) === false || depth === DEPTH) return
    node = 2 * node + (point[dimensions[node]!]! < splits[node]! ? 1 : 2)
  }
}

/** Each tree sees the space through ranges of its own, so that their walls are not in the same places. */
function newTree(dimensions: number, random: () => number): Tree {
  const inner = 2 ** DEPTH - 1
  const nodes = 2 ** (DEPTH + 1) - 1
  const tree = {
    dimensions: new Uint8Array(inner),
    splits: new Float64Array(inner),
    reference: new Uint32Array(nodes),
    latest: new Uint32Array(nodes),
  }
  const ranges = Array.from({ length: dimensions }, () => {
    const middle = random()
    const reach = 2 * Math.max(middle, 1 - middle)
    return [middle - reach, middle + reach] as const
  })
  const fill = (node: number, own: readonly (readonly [number, number])[]) => {
    if (node >= inner) return
    const dimension = Math.min(dimensions - 1, Math.floor(random() * dimensions))
    const [least, most] = own[dimension]!
    const split = (least + most) / 2
    tree.dimensions[node] = dimension
    tree.splits[node] = split
    fill(2 * node + 1, own.with(dimension, [least, split]))
    fill(2 * node + 2, own.with(dimension, [split, most]))
  }
  fill(0, ranges)
  return tree
}
