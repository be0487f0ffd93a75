/** An object with some methods of its own; the others are those of `target`. */
export const changed = <T extends object>(target: T, change: Partial<T>): T =>
  new Proxy(target, {
    get: (_, name) => {
      const own = change[name as keyof T] ?? target[name as keyof T]
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
