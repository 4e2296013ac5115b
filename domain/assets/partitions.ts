import { type AssetDefinition, type Mapping, type Partitions, WHOLE } from './definition.js'
import { endedWindows, shifted, windowOf, windowsBetween } from './windows.js'

/** What partitions depend on beside their definition. */
export interface PartitionFacts {
  /** Epoch milliseconds: windows that have not ended do not exist yet. */
  readonly now: number
  /** Keys of assets with dynamic partitions, sorted, by the asset's name. */
  readonly dynamic: ReadonlyMap<string, readonly string[]>
}

type Partitioned = Pick<AssetDefinition, 'name' | 'partitions'>

/** Keys of all partitions that there are, in their order; the one of an asset without partitions is `''`. */
export function partitionKeys({ name, partitions }: Partitioned, facts: PartitionFacts): readonly string[] {
  if (!partitions) return [WHOLE]
  switch (partitions.type) {
    case 'static':
      return partitions.keys
    case 'dynamic':
      return facts.dynamic.get(name) ?? []
    case 'time':
      return Array.from(endedWindows(partitions, facts.now), ({ key }) => key)
  }
}

/** Whether an asset has a partition. */
export function hasPartition({ name, partitions }: Partitioned, key: string, facts: PartitionFacts): boolean {
  if (!partitions) return key === WHOLE
  switch (partitions.type) {
    case 'static':
      return partitions.keys.includes(key)
    case 'dynamic':
      return facts.dynamic.get(name)?.includes(key) ?? false
    case 'time': {
      const window = windowOf(partitions, key)
      return window !== null && window.end <= facts.now
    }
  }
}

/** The mapping that is used where an asset names none; null where it has to name one. */
export function usualMapping(partitions?: Partitions, ofNeed?: Partitions): Mapping | null {
  if (!partitions || !ofNeed) return { type: 'all' }
  if (partitions.type === 'time' && ofNeed.type === 'time') {
    return partitions.unit === ofNeed.unit && partitions.timeZone === ofNeed.timeZone
      ? { type: 'same' }
      : { type: 'window', startOffset: 0, endOffset: 0 }
  }
  return partitions.type === 'time' || ofNeed.type === 'time' ? null : { type: 'same' }
}

/**
 * Keys of the partitions of an asset that a partition of another one rests on. Those that do not exist (yet, or
 * any more) are left out, except by the mapping `same`: then it rests on nothing and cannot be made.
 */
export function neededKeys(
  asset: AssetDefinition,
  key: string,
  need: AssetDefinition,
  facts: PartitionFacts,
  allKeys: (asset: AssetDefinition) => readonly string[] = each => partitionKeys(each, facts),
): readonly string[] {
  const mapping = asset.mappings?.[need.name] ?? usualMapping(asset.partitions, need.partitions)
  if (!need.partitions) return [WHOLE]
  switch (mapping?.type) {
    case 'same':
      return [key]
    case 'window': {
      const [own, other] = [asset.partitions, need.partitions]
      if (own?.type !== 'time' || other.type !== 'time') return []
      const window = windowOf(own, key)
      const range = window && shifted(own, window, mapping.startOffset, mapping.endOffset)
      if (!range) return []
      return Array.from(windowsBetween(other, range.start, range.end))
        .filter(({ end }) => end <= facts.now)
        .map(each => each.key)
    }
    case 'all':
    case undefined:
      return allKeys(need)
  }
}
