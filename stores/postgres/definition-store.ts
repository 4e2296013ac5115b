import type { EntityManager } from 'typeorm'
import type { NamedObject } from '../../domain/data/commit.js'
import { type Definition, type DefinitionKind, encodeDefinition } from '../../domain/data/definitions.js'
import type { Suite } from '../../domain/expectations/expectation.js'
import type { Column } from '../../domain/transformations/columns.js'
import type { Step } from '../../domain/transformations/steps.js'
import { sha256Hex } from '../ids.js'
import { objectUri } from '../objects/object-uri.js'
import type { StoredContent } from './entities/dataset.js'
import type { StoredFolds } from './entities/transformation.js'

/** A suite or a transformation, as its row says it. */
export interface CataloguedDefinition {
  readonly definition: Definition
  /** What the object store has of it, and where. */
  readonly content: Uint8Array
  readonly uri: string
  readonly isRecorded: boolean
}

/** What each row has; `id` and `number` are what it is found by. */
interface AnyRow {
  readonly id: string
  readonly number: number
  readonly project: string
  readonly version: number
  readonly at: Date
  readonly isRecorded: boolean
}

interface SuiteRow extends AnyRow {
  readonly dataset: string
  readonly principal: string
}

interface SuiteVersionRow extends SuiteRow {
  readonly content: string
  readonly author: string | null
  readonly message: string | null
}

interface TransformationRow extends AnyRow {
  readonly name: string
  readonly transformationId: string
  readonly state: StoredContent
  readonly steps: readonly Step[]
  readonly input: readonly Column[]
  readonly output: readonly Column[]
  readonly rows: string
  readonly where: string | null
  readonly folds: StoredFolds | null
  readonly dataset: { name: string; version: number; root: string } | null
  readonly runId: string
  readonly effectKey: string
}

interface Source<Row extends AnyRow> {
  /** Selects rows `each`. */
  readonly select: string
  /** Which of them can be written. */
  readonly owed: string
  readonly setRecorded: string
  definition(row: Row): Definition
}

/** A suite has up to 2 MiB. */
const BATCH = 20
const BEHIND = '(each.id, each.number) > ($2::uuid, $3::int)'
const BEFORE_ALL = ['00000000-0000-0000-0000-000000000000', 0] as const

const SUITE_VERSIONS: Source<SuiteVersionRow> = {
  select: `SELECT v.suite_id AS id, v.version AS number, s.project, s.dataset, v.version, v.content, v.author, v.message,
      v.principal, v.created_at AS at, v.recorded AS "isRecorded"
    FROM suite_versions v JOIN suites s ON s.id = v.suite_id`,
  owed: 'NOT each."isRecorded"',
  setRecorded: 'UPDATE suite_versions SET recorded = true WHERE suite_id = $1 AND version = $2',
  definition: ({ dataset, id: suiteId, version, content, author, message, principal, at }) => ({
    t: 'suite',
    ...{ dataset, suiteId, version, suite: JSON.parse(content) as Suite },
    ...{ author, message, principal, at: at.toISOString() },
  }),
}

const TRANSFORMATIONS: Source<TransformationRow> = {
  select: `SELECT v.id, v.version AS number, t.project, t.name, t.id AS "transformationId", v.version, v.state, v.steps,
      v.input, v.output, v.rows, v.fitted_where AS "where", v.folds, v.dataset, v.run_id AS "runId",
      v.effect_key AS "effectKey", v.created_at AS at, v.recorded AS "isRecorded"
    FROM transformation_versions v JOIN transformations t ON t.id = v.transformation_id`,
  owed: 'NOT each."isRecorded"',
  setRecorded: 'UPDATE transformation_versions SET recorded = true WHERE id = $1 AND version = $2',
  definition: row => {
    const { name, transformationId, id, version, state, steps, input, output, rows } = row
    const { where, folds, dataset, runId, effectKey, at } = row
    return {
      t: 'transformation',
      ...{ name, transformationId, id, version, state: named(state), steps, input, output },
      ...{ rows: Number(rows), where, folds: folds && { ...folds, states: folds.states.map(named) } },
      ...{ dataset, runId, effectKey, at: at.toISOString() },
    }
  },
}

/** None is written before the version that it names, or it could be restored without that. */
const CURRENT_SUITES: Source<SuiteRow> = {
  select: `SELECT s.id, s.sequence AS number, s.project, s.dataset, s.version, s.principal, s.updated_at AS at,
      s.recorded >= s.sequence AS "isRecorded"
    FROM suites s`,
  owed: `NOT each."isRecorded" AND EXISTS (
    SELECT 1 FROM suite_versions v WHERE v.suite_id = each.id AND v.version = each.version AND v.recorded)`,
  setRecorded: 'UPDATE suites SET recorded = $2 WHERE id = $1 AND recorded < $2',
  definition: ({ dataset, id: suiteId, number: sequence, version, principal, at }) => ({
    t: 'current-suite',
    ...{ dataset, suiteId, sequence, version, principal, at: at.toISOString() },
  }),
}

const SOURCES: Readonly<Record<DefinitionKind, Source<never>>> = {
  suite: SUITE_VERSIONS,
  transformation: TRANSFORMATIONS,
  'current-suite': CURRENT_SUITES,
}
const KINDS = Object.keys(SOURCES) as DefinitionKind[]

/** Suites and transformations until the object store has them, and as it is to have them. */
export class DefinitionStore {
  constructor(private readonly manager: EntityManager) {}

  /** Some that the object store has not yet; none where it has all. */
  async owed(project: string): Promise<CataloguedDefinition[]> {
    for (const kind of KINDS) {
      const found = await this.read(kind, SOURCES[kind].owed, [project])
      if (found.length > 0) return found.map(row => cataloguedOf(kind, row))
    }
    return []
  }

  /** @param project null: those of all */
  async *all(project: string | null): AsyncGenerator<CataloguedDefinition> {
    for (const kind of KINDS) {
      for (let after: readonly [string, number] = BEFORE_ALL; ;) {
        const found = await this.read(kind, BEHIND, [project, ...after])
        for (const row of found) yield cataloguedOf(kind, row)
        const last = found.at(-1)
        if (last === undefined) break
        after = [last.id, last.number]
      }
    }
  }

  async recorded({ definition }: CataloguedDefinition): Promise<void> {
    await this.manager.query(SOURCES[definition.t].setRecorded, keyOf(definition))
  }

  private read(kind: DefinitionKind, where: string, values: unknown[]): Promise<AnyRow[]> {
    return this.manager.query(
      `SELECT * FROM (${SOURCES[kind].select}) each
       WHERE ($1::text IS NULL OR each.project = $1) AND ${where} ORDER BY each.id, each.number LIMIT ${BATCH}`,
      values,
    )
  }
}

function cataloguedOf(kind: DefinitionKind, row: AnyRow): CataloguedDefinition {
  const definition = SOURCES[kind].definition(row as never)
  const content = encodeDefinition(definition)
  const uri = objectUri(row.project, sha256Hex(content), 'definitions')
  return { definition, content, uri, isRecorded: row.isRecorded }
}

function named({ sha256, bytes }: StoredContent): NamedObject {
  return { sha256, bytes }
}

function keyOf(definition: Definition): [id: string, number: number] {
  switch (definition.t) {
    case 'suite':
      return [definition.suiteId, definition.version]
    case 'current-suite':
      return [definition.suiteId, definition.sequence]
    case 'transformation':
      return [definition.id, definition.version]
  }
}
