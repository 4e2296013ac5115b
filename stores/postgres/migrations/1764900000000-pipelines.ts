import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "pipelines" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "version" integer NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "deleted_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "pipelines_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "pipelines_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "pipeline_versions" (
     "pipeline_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "definition" jsonb NOT NULL,
     "sha256" text NOT NULL,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "pipeline_versions_key" PRIMARY KEY ("pipeline_id", "version")
   )`,
  `ALTER TABLE "pipeline_versions" ADD CONSTRAINT "pipeline_versions_pipeline_id_reference" FOREIGN KEY ("pipeline_id") REFERENCES "pipelines"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `CREATE TABLE "pipeline_runs" (
     "run_id" uuid NOT NULL,
     "generations" jsonb NOT NULL,
     "revision" integer NOT NULL,
     CONSTRAINT "pipeline_runs_key" PRIMARY KEY ("run_id")
   )`,
  `CREATE TABLE "pipeline_steps" (
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "generation" integer NOT NULL,
     "state" text NOT NULL,
     "attempt" integer NOT NULL,
     "tries" integer NOT NULL,
     "starts" integer NOT NULL,
     "inputs" jsonb NOT NULL,
     "error" jsonb,
     "child" uuid,
     "child_attempt" integer,
     "started_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "ended_at" TIMESTAMP WITH TIME ZONE,
     "log" text,
     CONSTRAINT "pipeline_steps_key" PRIMARY KEY ("run_id", "step", "generation")
   )`,
  `CREATE INDEX "pipeline_steps_child_index" ON "pipeline_steps" ("child") WHERE "child" IS NOT NULL`,
  `CREATE TABLE "step_outcomes" (
     "project" text NOT NULL,
     "key" text NOT NULL,
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "generation" integer NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "step_outcomes_key" PRIMARY KEY ("project", "key")
   )`,
  `ALTER TABLE "schedules" ADD "pipeline" jsonb`,
  `CREATE TABLE "step_log_chunks" (
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "generation" integer NOT NULL,
     "sequence" integer NOT NULL,
     "text" text NOT NULL,
     "written_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "step_log_chunks_key" PRIMARY KEY ("run_id", "step", "generation", "sequence")
   )`,
]

export class Pipelines1764900000000 implements MigrationInterface {
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
