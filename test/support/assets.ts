import type { BackfillRequest } from '../../contracts/temporal/backfills.js'
import { planBackfill, type Selection, type Upstream } from '../../domain/assets/plan.js'
import { readAssets } from '../../domain/assets/read.js'
import type { AssetGraph } from '../../domain/assets/staleness.js'
import { validateAssets } from '../../domain/assets/validate.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import { Reader } from '../../domain/pipelines/reader.js'
import { derivedId, uuidv7 } from '../../stores/ids.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { type Harness, PROJECT } from './harness.js'

/** Assets and backfills in a harness, asked for as the API does. */
export class Assets {
  constructor(
    private readonly harness: Harness,
    /** What exists is what has ended by then. */
    readonly now = Date.now(),
  ) {}

  async pipeline(name: string, source: object): Promise<void> {
    const { definition, problems } = compilePipeline(source, name)
    assertNone(problems)
    await this.harness.ports.pipelines.apply(PROJECT, 'key:test', [definition!])
  }

  async apply(...assets: readonly object[]): Promise<void> {
    const { ports } = this.harness
    const reader = new Reader()
    const read = readAssets(assets, reader)
    await ports.assets.changing(PROJECT, async (transaction, known) => {
      const pipelines = new Map(
        await Promise.all(
          read.flatMap(({ definition: { make } }) =>
            make
              ? [
                  ports.pipelines
                    .version(PROJECT, make.pipeline)
                    .then(found => [make.pipeline, found.definition] as const),
                ]
              : [],
          ),
        ),
      )
      const datasetNames = read.flatMap(({ definition: { source } }) => source?.dataset ?? [])
      validateAssets(
        read,
        { assets: known, pipelines, pipelineNames: [], datasetNames, now: this.now },
        reader,
      )
      assertNone(reader.problems)
      await ports.assets.apply(
        transaction,
        PROJECT,
        'key:test',
        read.map(each => each.definition),
      )
    })
  }

  graph(): Promise<AssetGraph> {
    return this.harness.ports.assets.graph({ project: PROJECT, now: this.now })
  }

  async backfill(
    assets: readonly string[],
    selection: Selection,
    more: { readonly upstream?: Upstream } & Partial<BackfillRequest> = {},
  ): Promise<Run> {
    const { ports, config, database } = this.harness
    const upstream = more.upstream ?? 'stale'
    const { items, problems } = planBackfill(await this.graph(), { assets, selection, upstream })
    assertNone(problems)
    const { codes, maxAttempts, delaySeconds } = config.retries
    const request: BackfillRequest = {
      ...{ assets, selection, upstream, items: items.length },
      ...{ parallel: 4, onFailure: 'finish_others', force: false },
      ...more,
    }
    return database.dataSource.transaction(async transaction => {
      const id = uuidv7()
      await ports.backfills.create(transaction, id, items)
      const { run } = await ports.runs.acceptIn(transaction, {
        id,
        project: PROJECT,
        kind: 'backfill',
        name: assets[0]!,
        request,
        principal: 'key:test',
        trigger: 'api',
        retryPolicy: { codes, maxAttempts, delaySeconds },
      })
      return run
    })
  }

  /** `state` of each item by `asset/partition`. */
  async states(run: Run): Promise<Record<string, string>> {
    const rows = await this.harness.ports.backfills.states(run.id)
    return Object.fromEntries(rows.map(({ asset, partition, state }) => [`${asset}/${partition}`, state]))
  }

  /** How often each partition was made, by `asset/partition`. */
  async made(): Promise<Record<string, number>> {
    const rows: { what: string; times: number }[] = await this.harness.database.dataSource.query(
      `SELECT asset || '/' || partition AS what, count(*)::int AS times FROM asset_materialisations GROUP BY 1`,
    )
    return Object.fromEntries(rows.map(({ what, times }) => [what, times]))
  }

  /** The first run that makes an item. */
  childOf(run: Run, position: number, generation = 1): string {
    return derivedId(run.id, String(position), `g${generation}`)
  }
}

function assertNone(problems: readonly { readonly message: string }[]): void {
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join(' '))
}
