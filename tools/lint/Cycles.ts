/** Finds import cycles: groups of files that import each other in a ring, so that none can be read, tested or moved alone. */

export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** The shortest cycle through a file; `undefined` if there is none. */
const shortestCycle = (graph: Graph, start: string): ReadonlyArray<string> | undefined => {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const at of queue) {
    for (const next of graph.get(at) ?? []) {
      if (next === start) {
        const path = [at]
        while (path[0] !== start) path.unshift(cameFrom.get(path[0]) ?? start)
        return path
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, at)
        queue.push(next)
      }
    }
  }
  return undefined
}

/** The shortest cycle through each file. A cycle that is the shortest for several files is returned once. */
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
