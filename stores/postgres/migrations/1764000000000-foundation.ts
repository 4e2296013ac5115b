import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "api_keys" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "role" text NOT NULL,
     "hash" bytea NOT NULL,
     "expires_at" TIMESTAMP WITH TIME ZONE,
     "revoked_at" TIMESTAMP WITH TIME ZONE,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
     CONSTRAINT "api_keys_key" PRIMARY KEY ("id")
   )`,
  `CREATE UNIQUE INDEX "api_keys_hash_index" ON "api_keys" ("hash")`,
  `CREATE UNIQUE INDEX "api_keys_project_name_index" ON "api_keys" ("project", "name") WHERE "revoked_at" IS NULL`,
  `CREATE TABLE "checkpoints" (
     "run_id" uuid NOT NULL,
     "generation" integer NOT NULL,
     "round" integer NOT NULL,
     "spec_sha256" text NOT NULL,
     "uri" text NOT NULL,
     "sha256" text NOT NULL,
     "bytes" bigint NOT NULL,
     "epoch" bigint NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "checkpoints_key" PRIMARY KEY ("run_id", "generation", "round")
   )`,
  `CREATE TABLE "datasets" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "datasets_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "datasets_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "dataset_versions" (
     "id" uuid NOT NULL,
     "dataset_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "root" text NOT NULL,
     "rows" bigint NOT NULL,
     "raw" jsonb NOT NULL,
     "parquet" jsonb NOT NULL,
     "schema" jsonb NOT NULL,
     "conversion" jsonb NOT NULL,
     "proposal" jsonb,
     "expectations" jsonb NOT NULL,
     "profile" jsonb NOT NULL,
     "parents" jsonb NOT NULL,
     "message" text,
     "run_id" uuid NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "dataset_versions_dataset_id_version_unique" UNIQUE ("dataset_id", "version"),
     CONSTRAINT "dataset_versions_key" PRIMARY KEY ("id")
   )`,
  `CREATE UNIQUE INDEX "dataset_versions_effect_key_index" ON "dataset_versions" ("effect_key")`,
  `CREATE TABLE "idempotency_keys" (
     "project" text NOT NULL,
     "principal" text NOT NULL,
     "route" text NOT NULL,
     "key" text NOT NULL,
     "body_sha256" text NOT NULL,
     "run_id" uuid NOT NULL,
     "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "idempotency_keys_key" PRIMARY KEY ("project", "principal", "route", "key")
   )`,
  `CREATE INDEX "idempotency_keys_expires_at_index" ON "idempotency_keys" ("expires_at")`,
  `CREATE TABLE "leases" (
     "resource" text NOT NULL,
     "epoch" bigint NOT NULL,
     "owner" text NOT NULL,
     "taken_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "leases_key" PRIMARY KEY ("resource")
   )`,
  `CREATE TABLE "ledger_steps" (
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "generation" integer NOT NULL,
     "outcome" jsonb NOT NULL,
     "attempt" integer NOT NULL,
     "finished_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "ledger_steps_key" PRIMARY KEY ("run_id", "step", "generation")
   )`,
  `CREATE TABLE "models" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "models_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "models_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "model_versions" (
     "id" uuid NOT NULL,
     "model_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "engine" text NOT NULL,
     "sha256" text NOT NULL,
     "artifacts" jsonb NOT NULL,
     "signature" jsonb NOT NULL,
     "metrics" jsonb NOT NULL,
     "gate" jsonb NOT NULL,
     "parity" jsonb NOT NULL,
     "lineage" jsonb NOT NULL,
     "run_id" uuid NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "model_versions_model_id_version_unique" UNIQUE ("model_id", "version"),
     CONSTRAINT "model_versions_key" PRIMARY KEY ("id")
   )`,
  `CREATE UNIQUE INDEX "model_versions_effect_key_index" ON "model_versions" ("effect_key")`,
  `CREATE TABLE "model_aliases" (
     "model_id" uuid NOT NULL,
     "alias" text NOT NULL,
     "version" integer NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "model_aliases_key" PRIMARY KEY ("model_id", "alias")
   )`,
  `CREATE TABLE "alias_changes" (
     "id" uuid NOT NULL,
     "model_id" uuid NOT NULL,
     "alias" text NOT NULL,
     "from_version" integer,
     "to_version" integer,
     "principal" text NOT NULL,
     "reason" text NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "alias_changes_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "alias_changes_model_id_alias_at_id_index" ON "alias_changes" ("model_id", "alias", "at", "id")`,
  `CREATE TABLE "outbox" (
     "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
     "run_id" uuid NOT NULL,
     "attempt" integer NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "due_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "tries" integer NOT NULL,
     "last_error" text,
     "done_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "outbox_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "outbox_due_at_index" ON "outbox" ("due_at") WHERE "done_at" IS NULL`,
  `CREATE TABLE "projects" (
     "id" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
     CONSTRAINT "projects_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "runs" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "kind" text NOT NULL,
     "name" text NOT NULL,
     "status" text NOT NULL,
     "sequence" integer NOT NULL,
     "attempt" integer NOT NULL,
     "generation" integer NOT NULL,
     "workflow_id" text NOT NULL,
     "execution_id" text,
     "stage" text NOT NULL,
     "request" jsonb NOT NULL,
     "result" jsonb,
     "error" jsonb,
     "warnings" jsonb NOT NULL,
     "retry_policy" jsonb NOT NULL,
     "next_attempt_at" TIMESTAMP WITH TIME ZONE,
     "retry_note" text,
     "principal" text NOT NULL,
     "trigger" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "started_at" TIMESTAMP WITH TIME ZONE,
     "ended_at" TIMESTAMP WITH TIME ZONE,
     "touched_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "history" text,
     CONSTRAINT "runs_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "runs_ended_at_index" ON "runs" ("ended_at") WHERE "ended_at" IS NOT NULL AND "history" IS NULL`,
  `CREATE INDEX "runs_next_attempt_at_index" ON "runs" ("next_attempt_at") WHERE "next_attempt_at" IS NOT NULL`,
  `CREATE INDEX "runs_status_touched_at_index" ON "runs" ("status", "touched_at") WHERE "status" IN ('accepted', 'running')`,
  `CREATE INDEX "runs_project_created_at_id_index" ON "runs" ("project", "created_at", "id")`,
  `CREATE INDEX "runs_project_kind_created_at_id_index" ON "runs" ("project", "kind", "created_at", "id")`,
  `CREATE TABLE "schedules" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "training" jsonb NOT NULL,
     "timing" jsonb NOT NULL,
     "paused" boolean NOT NULL,
     "note" text,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "schedules_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "schedules_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "uploads" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "file_name" text,
     "uri" text NOT NULL,
     "sha256" text NOT NULL,
     "bytes" bigint NOT NULL,
     "delimiter" text NOT NULL,
     "columns" jsonb NOT NULL,
     "rows" bigint NOT NULL,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "uploads_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "uploads_project_created_at_id_index" ON "uploads" ("project", "created_at", "id")`,
  `ALTER TABLE "dataset_versions" ADD CONSTRAINT "dataset_versions_dataset_id_reference" FOREIGN KEY ("dataset_id") REFERENCES "datasets"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_model_id_reference" FOREIGN KEY ("model_id") REFERENCES "models"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `ALTER TABLE "model_aliases" ADD CONSTRAINT "model_aliases_model_id_reference" FOREIGN KEY ("model_id") REFERENCES "models"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `ALTER TABLE "alias_changes" ADD CONSTRAINT "alias_changes_model_id_reference" FOREIGN KEY ("model_id") REFERENCES "models"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `INSERT INTO "projects" ("id") VALUES ('default')`,
]

export class Foundation1764000000000 implements MigrationInterface {
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
