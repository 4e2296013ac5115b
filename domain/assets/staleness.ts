import { canonicalJson } from '../canonical-json.js'
import { type AssetDefinition, WHOLE } from './definition.js'
import { neededKeys, type PartitionFacts, partitionKeys } from './partitions.js'

/** What an asset was made from: a partition, or many of them as one. */
export interface AssetInput {
  readonly asset: string
  /** `*` where it stands for all that were needed, `count` of them. */
  readonly partition: string
  readonly count?: number
  readonly dataSha256: string
}

/** The newest making of a partition. */
export interface Made {
  readonly definitionVersion: number
  /** Of all that its definition says of how it is made from what. */
  readonly shapeSha256: string
  readonly codeSha256: string
  readonly dataSha256: string
  readonly inputs: readonly AssetInput[]
}

/** An asset as it is now. */
export interface AssetNow {
  readonly definition: AssetDefinition
  readonly version: number
  readonly shapeSha256: string
  /** Of its pipeline's definition and parameters; null where the pipeline was deleted. */
  readonly codeSha256: string | null
}

export interface AssetFacts extends PartitionFacts {
  readonly assets: ReadonlyMap<string, AssetNow>
  readonly made: (asset: string, partition: string) => Made | undefined
  /** Data version of source assets; null for a dataset without a version. */
  readonly sources: ReadonlyMap<string, string | null>
  /** SHA-256 in lower-case hexadecimal. */
  readonly hash: (text: string) => string
}

export type StaleReason =
  | { readonly code: 'missing' }
  | { readonly code: 'code_changed'; readonly from: string; readonly to: string }
  | { readonly code: 'definition_changed'; readonly from: number; readonly to: number }
  | {
      readonly code: 'input_changed'
      readonly asset: string
      readonly partition: string
      readonly from: string | null
      readonly to: string | null
    }
  | { readonly code: 'input_stale'; readonly asset: string; readonly partition: string }

export const STALENESS = ['fresh', 'stale', 'missing'] as const
export type Staleness = (typeof STALENESS)[number]

export interface AssetState {
  readonly state: Staleness
  readonly reasons: readonly StaleReason[]
}

/** What a partition needs, and what of it there is. */
export interface NeededInputs {
  readonly inputs: readonly AssetInput[]
  /** Those that were never made. */
  readonly missing: readonly { readonly asset: string; readonly partition: string }[]
}

/** Inputs of one asset that are more than so many are kept as one. */
const MOST_INPUTS = 100
const ALL = '*'
/** Reasons of one kind and asset that are told. */
const MOST_REASONS = 20

const FRESH: AssetState = { state: 'fresh', reasons: [] }
const MISSING: AssetState = { state: 'missing', reasons: [{ code: 'missing' }] }

/** What of an asset's definition decides how it is made: a change of the rest makes nothing stale. */
export function shapeOf({ needs, make, output, source, partitions, mappings }: AssetDefinition): string {
  return canonicalJson({
    needs: [...needs].sort(),
    pipeline: make?.pipeline,
    output,
    source,
    partitions: partitions?.type === 'time' ? { unit: partitions.unit, timeZone: partitions.timeZone } : null,
    mappings,
  } as unknown as Parameters<typeof canonicalJson>[0])
}

/** States of assets and their partitions, by what was made and what there is now. Each is found once. */
export class AssetGraph {
  private readonly keys = new Map<string, readonly string[]>()
  private readonly states = new Map<string, AssetState>()
  /** Of lists of keys that are equal objects, the same list being asked for again and again. */
  private readonly collapsed = new WeakMap<
    readonly string[],
    { input: AssetInput | null; stale: string | null }
  >()

  constructor(readonly facts: AssetFacts) {}

  asset(name: string): AssetNow | undefined {
    return this.facts.assets.get(name)
  }

  /** Keys of all partitions of an asset. */
  keysOf(name: string): readonly string[] {
    const known = this.keys.get(name)
    if (known) return known
    const asset = this.asset(name)
    // A list of its own: two assets may be defined by one, and what is known of a list is known by itself.
    const keys = asset ? [...partitionKeys(asset.definition, this.facts)] : []
    this.keys.set(name, keys)
    return keys
  }

  /** Keys of a need that a partition rests on. */
  needed(name: string, key: string, need: string): readonly string[] {
    const [asset, other] = [this.asset(name), this.asset(need)]
    if (!asset || !other) return []
    return neededKeys(asset.definition, key, other.definition, this.facts, each => this.keysOf(each.name))
  }

  /** Hash of what there is of a partition; null where it was never made. */
  dataOf(name: string, key: string): string | null {
    const source = this.asset(name)?.definition.source
    if (source) return this.facts.sources.get(name) ?? null
    return this.facts.made(name, key)?.dataSha256 ?? null
  }

  /** What a partition would be made from now. */
  inputs(name: string, key: string): NeededInputs {
    const inputs: AssetInput[] = []
    const missing: { asset: string; partition: string }[] = []
    for (const need of this.asset(name)?.definition.needs ?? []) {
      const keys = this.needed(name, key, need)
      if (keys.length > MOST_INPUTS) {
        const { input } = this.together(need, keys)
        if (input) inputs.push(input)
        else missing.push({ asset: need, partition: keys.find(each => this.dataOf(need, each) === null)! })
        continue
      }
      for (const partition of keys) {
        const dataSha256 = this.dataOf(need, partition)
        if (dataSha256 === null) missing.push({ asset: need, partition })
        else inputs.push({ asset: need, partition, dataSha256 })
      }
    }
    return { inputs, missing }
  }

  /** Whether a partition is what it would be if it were made now, and why not. */
  state(name: string, key: string): AssetState {
    const at = `${name}/${key}`
    const known = this.states.get(at)
    if (known) return known
    const state = this.find(name, key)
    this.states.set(at, state)
    return state
  }

  /** True where making it again would be the same work from the same inputs. */
  isSame(name: string, key: string): boolean {
    const asset = this.asset(name)
    const made = this.facts.made(name, key)
    return asset !== undefined && made !== undefined && this.ownReasons(name, key, asset, made).length === 0
  }

  private find(name: string, key: string): AssetState {
    const asset = this.asset(name)
    if (!asset) return MISSING
    if (asset.definition.source) return this.dataOf(name, WHOLE) === null ? MISSING : FRESH
    const made = this.facts.made(name, key)
    if (!made) return MISSING
    const reasons = [...this.ownReasons(name, key, asset, made), ...this.staleInputs(name, key)]
    return reasons.length === 0 ? FRESH : { state: 'stale', reasons }
  }

  /** What has changed since it was made, except that what it needs may have to be made again. */
  private ownReasons(name: string, key: string, asset: AssetNow, made: Made): StaleReason[] {
    const reasons: StaleReason[] = []
    const { codeSha256, shapeSha256, version } = asset
    if (made.shapeSha256 !== shapeSha256) {
      reasons.push({ code: 'definition_changed', from: made.definitionVersion, to: version })
    }
    if (codeSha256 !== null && made.codeSha256 !== codeSha256) {
      reasons.push({ code: 'code_changed', from: made.codeSha256, to: codeSha256 })
    }
    return [...reasons, ...this.changedInputs(name, key, made)]
  }

  private changedInputs(name: string, key: string, made: Made): StaleReason[] {
    const { inputs, missing } = this.inputs(name, key)
    const before = new Map(made.inputs.map(each => [`${each.asset}/${each.partition}`, each]))
    const reasons: StaleReason[] = []
    for (const { asset, partition, dataSha256 } of inputs) {
      const from = before.get(`${asset}/${partition}`)?.dataSha256 ?? null
      before.delete(`${asset}/${partition}`)
      if (from !== dataSha256) reasons.push({ code: 'input_changed', asset, partition, from, to: dataSha256 })
    }
    for (const { asset, partition } of missing) {
      before.delete(`${asset}/${partition}`)
      reasons.push({ code: 'input_changed', asset, partition, from: null, to: null })
    }
    for (const { asset, partition, dataSha256: from } of before.values()) {
      reasons.push({ code: 'input_changed', asset, partition, from, to: null })
    }
    return reasons.slice(0, MOST_REASONS)
  }

  private staleInputs(name: string, key: string): StaleReason[] {
    const reasons: StaleReason[] = []
    for (const asset of this.asset(name)!.definition.needs) {
      const keys = this.needed(name, key, asset)
      if (keys.length > MOST_INPUTS) {
        const { stale } = this.together(asset, keys)
        if (stale !== null) reasons.push({ code: 'input_stale', asset, partition: stale })
        continue
      }
      for (const partition of keys) {
        if (this.state(asset, partition).state === 'stale') {
          reasons.push({ code: 'input_stale', asset, partition })
        }
      }
    }
    return reasons.slice(0, MOST_REASONS)
  }

  private together(asset: string, keys: readonly string[]) {
    const known = this.collapsed.get(keys)
    if (known) return known
    const data = keys.map(key => [key, this.dataOf(asset, key)])
    const input = data.some(([, hash]) => hash === null)
      ? null
      : { asset, partition: ALL, count: keys.length, dataSha256: this.facts.hash(canonicalJson(data)) }
    const stale = keys.find(key => this.state(asset, key).state === 'stale') ?? null
    const found = { input, stale }
    this.collapsed.set(keys, found)
    return found
  }
}
