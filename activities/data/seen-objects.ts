import { type ObjectKind, parseObjectUri } from '../../stores/objects/object-uri.js'
import type { Damage, DamageStore } from '../../stores/postgres/damage-store.js'
import type { Reached } from '../heartbeats.js'

/** In their order: each relies on those before it. */
export const PARTS = ['versions', 'refs', 'branches', 'ends', 'definitions', 'defined', 'outdated'] as const
export type Part = (typeof PARTS)[number]

/** How far a verification of objects is, and how many it has read. */
export interface ObjectsPlace {
  readonly part: Part
  /** What was read last of it. */
  readonly after: string | null
  readonly objects: number
}

/** What a verification has seen of objects, with the attempts that were cut off. */
export class SeenObjects {
  private place: ObjectsPlace

  constructor(
    private readonly damages: DamageStore,
    private readonly runId: string,
    from?: ObjectsPlace,
    private readonly reached: Reached<ObjectsPlace> = () => undefined,
  ) {
    this.place = from ?? { part: 'versions', after: null, objects: 0 }
  }

  get objects(): number {
    return this.place.objects
  }

  get left(): readonly Part[] {
    return PARTS.slice(PARTS.indexOf(this.place.part))
  }

  /** Where a part goes on. */
  begin(part: Part): string | null {
    if (part !== this.place.part) this.place = { ...this.place, part, after: null }
    return this.place.after
  }

  /** Counts an object that was read. */
  count(): void {
    this.place = { ...this.place, objects: this.place.objects + 1 }
  }

  /** All up to here is done with. */
  at(after: string): void {
    this.place = { ...this.place, after }
    this.reached(this.place)
  }

  note(damage: Damage): Promise<void> {
    return this.damages.note(this.runId, damage)
  }

  /** @param work says whether it is healed; null where nothing is wrong with it */
  async heal(damage: Damage, work: () => Promise<boolean | null>): Promise<void> {
    await this.note(damage)
    const healed = await work()
    if (healed === null) await this.drop(damage)
    else await this.damages.healed(this.runId, damage, healed)
  }

  drop(damage: Pick<Damage, 'uri' | 'what'>): Promise<void> {
    return this.damages.drop(this.runId, damage)
  }

  unhealed(what: string): Promise<string[]> {
    return this.damages.unhealed(this.runId, what)
  }

  /** Damaged records of a kind that attempts before this one have noted behind a place, by their uris. */
  async notedRecords(kind: ObjectKind, after: string | null): Promise<Damage[]> {
    const noted = (await this.damages.objects(this.runId)).filter(
      ({ uri }) => parseObjectUri(uri)?.kind === kind && (after === null || uri > after),
    )
    const byUri = new Map(noted.map(damage => [damage.uri, damage]))
    return [...byUri.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1))
  }
}
