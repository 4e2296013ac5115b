import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What rows of before this release say for certain; one run may say the same more than once. */
const edges = (select: string) =>
  `INSERT INTO "lineage_edges" ("run_id", "step", "relation", "node", "project", "created_at") ${select} ON CONFLICT DO NOTHING`

const UP = [
  `CREATE TABLE "lineage_edges" (
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "relation" text NOT NULL,
     "node" text NOT NULL,
     "project" text NOT NULL,
     "details" jsonb,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "lineage_edges_key" PRIMARY KEY ("run_id", "step", "relation", "node")
   )`,
  `CREATE INDEX "lineage_edges_project_node_index" ON "lineage_edges" ("project", "node")`,
  edges(`SELECT v.run_id, 'commit', 'wrote', 'dataset:' || d.name || '@' || v.version, d.project, v.created_at
   FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id JOIN runs r ON r.id = v.run_id`),
  edges(`SELECT v.run_id, 'register', 'wrote', 'model:' || m.name || '@' || v.version, m.project, v.created_at
   FROM model_versions v JOIN models m ON m.id = v.model_id JOIN runs r ON r.id = v.run_id`),
  edges(`SELECT v.run_id, 'prepare', 'read',
     'dataset:' || (v.lineage#>>'{dataset,name}') || '@' || (v.lineage#>>'{dataset,version}'), m.project, v.created_at
   FROM model_versions v JOIN models m ON m.id = v.model_id JOIN runs r ON r.id = v.run_id
   WHERE v.lineage#>>'{dataset,version}' IS NOT NULL`),
  edges(`SELECT v.run_id, 'evaluate', 'read', 'model:' || m.name || '@' || (v.lineage->>'champion'), m.project, v.created_at
   FROM model_versions v JOIN models m ON m.id = v.model_id JOIN runs r ON r.id = v.run_id
   WHERE v.lineage->>'champion' IS NOT NULL`),
  // Trainings that are still open have these steps behind them.
  edges(`SELECT r.id, s.step, 'read',
     'dataset:' || (r.request#>>'{dataset,name}') || '@' || (r.request#>>'{dataset,version}'), r.project, s.finished_at
   FROM ledger_steps s JOIN runs r ON r.id = s.run_id WHERE r.kind = 'training' AND s.step = 'prepare'`),
  edges(`SELECT r.id, s.step, 'read', 'model:' || r.name || '@' || (s.outcome->>'championVersion'), r.project, s.finished_at
   FROM ledger_steps s JOIN runs r ON r.id = s.run_id
   WHERE r.kind = 'training' AND s.step = 'evaluate' AND s.outcome->>'championVersion' IS NOT NULL`),
  edges(`SELECT r.id, '', 'read', 'run:' || p.id, r.project, r.created_at
   FROM runs r JOIN runs p ON r.principal = p.kind || ':' || p.id AND p.project = r.project`),
]

/** What each step has read and written; every step that is committed from now on says so itself. */
export class Lineage1765800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement)
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
