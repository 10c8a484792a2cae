/** Files that import each other in a circle: none can be read, tested or moved without the others. */

export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** The shortest circle through a file; `undefined` when there is none. */
const shortestCycle = (graph: Graph, start: string): ReadonlyArray<string> | undefined => {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const at of queue) {
    for (const next of graph.get(at) ?? []) {
      if (next === start) {
        const way = [at]
        while (way[0] !== start) way.unshift(cameFrom.get(way[0]) ?? start)
        return way
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, at)
        queue.push(next)
      }
    }
  }
  return undefined
}

/** The circles, each once, and each beginning with the first of its files in the order of names. */
export const cyclesOf = (graph: Graph): ReadonlyArray<ReadonlyArray<string>> => {
  const known = new Set<string>()
  return [...graph.keys()].toSorted().flatMap((start) => {
    const cycle = shortestCycle(graph, start)
    if (cycle === undefined) return []
    const key = cycle.toSorted().join("\n")
    if (known.has(key)) return []
    known.add(key)
    return [cycle]
  })
}
