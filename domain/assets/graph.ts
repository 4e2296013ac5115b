/** What the order of assets depends on. */
interface Needing {
  readonly name: string
  readonly needs: readonly string[]
}

/**
 * Names in an order in which each comes after what it needs; equal definitions give the same order.
 * @returns `cycle` with the names of one, in its order, where there is such; then `order` lacks its members
 */
export function assetOrder(assets: Iterable<Needing>): {
  readonly order: readonly string[]
  readonly cycle: readonly string[] | null
} {
  const known = new Map(Array.from(assets, each => [each.name, each]))
  const order: string[] = []
  const done = new Set<string>()
  let cycle: readonly string[] | null = null
  // Depth first, without recursion: a chain may be as long as there are assets.
  for (const name of [...known.keys()].sort()) {
    const way: { readonly name: string; readonly left: string[] }[] = []
    const onWay = new Set<string>()
    const enter = (each: string) => {
      if (done.has(each) || !known.has(each)) return
      if (onWay.has(each)) {
        cycle ??= [...way.slice(way.findIndex(step => step.name === each)).map(step => step.name), each]
        return
      }
      onWay.add(each)
      way.push({ name: each, left: [...known.get(each)!.needs].sort().reverse() })
    }
    enter(name)
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const next = top.left.pop()
      if (next !== undefined) {
        enter(next)
        continue
      }
      way.pop()
      onWay.delete(top.name)
      done.add(top.name)
      order.push(top.name)
    }
  }
  return { order, cycle }
}

/** Names of assets that some rest on, themselves included. */
export function withNeeds(assets: ReadonlyMap<string, Needing>, names: Iterable<string>): Set<string> {
  const found = new Set<string>()
  const left = [...names]
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const asset = assets.get(name)
    if (!asset || found.has(name)) continue
    found.add(name)
    left.push(...asset.needs)
  }
  return found
}
