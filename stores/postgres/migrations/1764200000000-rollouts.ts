import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "rollout_decisions" (
     "rollout_id" uuid NOT NULL,
     "number" integer NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "entry" jsonb NOT NULL,
     CONSTRAINT "rollout_decisions_key" PRIMARY KEY ("rollout_id", "number")
   )`,
  `ALTER TABLE "deployments" ADD "freeze" jsonb`,
  `CREATE UNIQUE INDEX "runs_project_name_index" ON "runs" ("project", "name") WHERE "kind" = 'rollout' AND "status" IN ('accepted', 'running')`,
]

export class Rollouts1764200000000 implements MigrationInterface {
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
