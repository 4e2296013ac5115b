import type { DataSource, EntityManager } from 'typeorm'
import { nodeId, type LineageNode } from '../../domain/lineage/nodes.js'
import type { EdgesOf, LineageEdge } from '../../domain/lineage/walk.js'
import { touched } from '../lineage-scope.js'

interface StepOfRun {
  readonly runId: string
  readonly step: string
}

/** Edges of one step, in the transaction that commits it. Again, it changes nothing. */
export async function recordTouched(transaction: EntityManager, { runId, step }: StepOfRun): Promise<void> {
  const { read = [], wrote = [], details = null } = touched() ?? {}
  const edges = [
    ...[...read].map(node => ({ relation: 'read', node })),
    ...[...wrote].map(node => ({ relation: 'wrote', node })),
  ]
  if (edges.length === 0) return
  await insert(transaction, { runId, step: withoutItem(step) }, edges, details)
}

/** One run has started another. */
export async function recordParent(transaction: EntityManager, runId: string, parent: string): Promise<void> {
  const node = nodeId({ kind: 'run', run: parent })
  await insert(transaction, { runId, step: '' }, [{ relation: 'read', node }])
}

/** A step that takes over what an equal one has given was made from the same; the run that did it, it leads to. */
export async function copyEdges(transaction: EntityManager, from: StepOfRun, to: StepOfRun): Promise<void> {
  await transaction.query(
    `INSERT INTO lineage_edges (run_id, step, relation, node, project, details, created_at)
     SELECT $3::uuid, $4::text, relation, node, project, details, now() FROM lineage_edges WHERE run_id = $1 AND step = $2
     UNION ALL
     SELECT $3::uuid, $4::text, 'wrote', 'run:' || s.child, r.project, NULL::jsonb, now()
     FROM pipeline_steps s JOIN runs r ON r.id = s.run_id
     WHERE s.run_id = $1 AND s.step = $2 AND s.child IS NOT NULL
     ON CONFLICT DO NOTHING`,
    [from.runId, withoutItem(from.step), to.runId, withoutItem(to.step)],
  )
}

const withoutItem = (step: string) => step.split('/')[0]!

async function insert(
  transaction: EntityManager,
  { runId, step }: StepOfRun,
  edges: readonly { readonly relation: string; readonly node: string }[],
  details: object | null = null,
): Promise<void> {
  await transaction.query(
    `INSERT INTO lineage_edges (run_id, step, relation, node, project, details, created_at)
     SELECT runs.id, $2, edge.relation, edge.node, runs.project, $5, now()
     FROM runs, unnest($3::text[], $4::text[]) AS edge (relation, node) WHERE runs.id = $1
     ON CONFLICT DO NOTHING`,
    [runId, step, edges.map(({ relation }) => relation), edges.map(({ node }) => node), details],
  )
}

/** A run, as a graph shows it. */
export interface LineageRun {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly status: string
}

/** What was made from what, over all runs. */
export class LineageStore {
  constructor(private readonly dataSource: DataSource) {}

  /** The edges of a project, for a walk. */
  edgesOf(project: string): EdgesOf {
    return async (nodes, direction) => {
      // A run's own edges are found by its id, those of anything else by the node.
      const runs = nodes.filter(id => id.startsWith('run:')).map(id => id.slice('run:'.length))
      const [ofRun, ofNode] = direction === 'upstream' ? ['read', 'wrote'] : ['wrote', 'read']
      const rows: {
        runId: string
        step: string
        relation: string
        node: string
        details: LineageEdge['details']
        createdAt: Date
      }[] = await this.dataSource.query(
        `SELECT run_id AS "runId", step, relation, node, details, created_at AS "createdAt" FROM lineage_edges
           WHERE project = $1
             AND (run_id = ANY($2::uuid[]) AND relation = $3 OR node = ANY($4) AND relation = $5)
           ORDER BY created_at, run_id, step, node`,
        [project, runs, ofRun, nodes, ofNode],
      )
      return rows.map(({ runId, step, relation, node, details, createdAt }): LineageEdge => {
        const run = nodeId({ kind: 'run', run: runId })
        const ends = relation === 'read' ? { from: node, to: run } : { from: run, to: node }
        return { ...ends, step, details, at: createdAt.getTime() }
      })
    }
  }

  async runs(project: string, ids: readonly string[]): Promise<LineageRun[]> {
    return this.dataSource.query(
      `SELECT id, kind, name, status FROM runs WHERE project = $1 AND id = ANY($2::uuid[])`,
      [project, ids],
    )
  }

  /** Whether there is such a thing, with edges or without; a window only where something was made of it. */
  async exists(project: string, node: LineageNode): Promise<boolean> {
    const [sql, ...values] = existence(node)
    const rows: unknown[] = await this.dataSource.query(`SELECT 1 WHERE EXISTS (${sql})`, [
      project,
      ...values,
    ])
    return rows.length > 0
  }
}

function existence(node: LineageNode): [sql: string, ...values: (string | number)[]] {
  switch (node.kind) {
    case 'dataset':
    case 'model':
    case 'transformation':
      return [
        `SELECT FROM ${node.kind}_versions v JOIN ${node.kind}s named ON named.id = v.${node.kind}_id
         WHERE named.project = $1 AND named.name = $2 AND v.version = $3`,
        node.name,
        node.version,
      ]
    case 'deployment':
      return ['SELECT FROM deployments WHERE project = $1 AND name = $2', node.name]
    case 'run':
      return ['SELECT FROM runs WHERE project = $1 AND id = $2', node.run]
    case 'window':
    case 'report':
      return ['SELECT FROM lineage_edges WHERE project = $1 AND node = $2', nodeId(node)]
  }
}
