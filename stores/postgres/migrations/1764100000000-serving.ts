import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "deployments" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "model" text NOT NULL,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "deployments_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "deployments_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "routing_plans" (
     "deployment_id" uuid NOT NULL,
     "revision" integer NOT NULL,
     "plan" jsonb NOT NULL,
     "versions" jsonb NOT NULL,
     "reason" text NOT NULL,
     "rollout_id" uuid NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "routing_plans_key" PRIMARY KEY ("deployment_id", "revision")
   )`,
  `CREATE UNIQUE INDEX "routing_plans_effect_key_index" ON "routing_plans" ("effect_key")`,
  `CREATE TABLE "serving_replicas" (
     "replica" uuid NOT NULL,
     "deployment_id" uuid NOT NULL,
     "project" text NOT NULL,
     "revision" integer NOT NULL,
     "problem" text,
     "address" text NOT NULL,
     "seen_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "serving_replicas_key" PRIMARY KEY ("replica", "deployment_id")
   )`,
  `CREATE TABLE "prediction_segments" (
     "project" text NOT NULL,
     "replica" uuid NOT NULL,
     "segment" integer NOT NULL,
     "uri" text NOT NULL,
     "sha256" text NOT NULL,
     "bytes" bigint NOT NULL,
     "records" integer NOT NULL,
     "first_sequence" bigint NOT NULL,
     "last_sequence" bigint NOT NULL,
     "gaps" jsonb NOT NULL,
     "sealed_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "tries" integer NOT NULL DEFAULT 0,
     "due_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
     "ingested_at" TIMESTAMP WITH TIME ZONE,
     "problem" text,
     CONSTRAINT "prediction_segments_key" PRIMARY KEY ("project", "replica", "segment")
   )`,
  `CREATE INDEX "prediction_segments_project_sealed_at_index" ON "prediction_segments" ("project", "sealed_at") WHERE "ingested_at" IS NULL`,
  `CREATE INDEX "prediction_segments_project_replica_last_sequence_index" ON "prediction_segments" ("project", "replica", "last_sequence")`,
  `CREATE TABLE "prediction_files" (
     "id" uuid NOT NULL,
     "deployment_id" uuid NOT NULL,
     "uri" text NOT NULL,
     "sha256" text NOT NULL,
     "bytes" bigint NOT NULL,
     "rows" integer NOT NULL,
     "min_event_time" TIMESTAMP WITH TIME ZONE NOT NULL,
     "max_event_time" TIMESTAMP WITH TIME ZONE NOT NULL,
     "min_revision" integer NOT NULL,
     "max_revision" integer NOT NULL,
     "segments" jsonb NOT NULL,
     "gaps" jsonb NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "prediction_files_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "prediction_files_deployment_id_min_event_time_index" ON "prediction_files" ("deployment_id", "min_event_time")`,
  `CREATE INDEX "prediction_files_deployment_id_max_revision_index" ON "prediction_files" ("deployment_id", "max_revision")`,
  `CREATE UNIQUE INDEX "prediction_files_effect_key_index" ON "prediction_files" ("effect_key")`,
  `CREATE TABLE "labels" (
     "deployment_id" uuid NOT NULL,
     "prediction_id" text NOT NULL,
     "revision" integer NOT NULL,
     "value" double precision NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "received_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "principal" text NOT NULL,
     CONSTRAINT "labels_key" PRIMARY KEY ("deployment_id", "prediction_id", "revision")
   )`,
  `CREATE INDEX "labels_deployment_id_received_at_index" ON "labels" ("deployment_id", "received_at")`,
  `ALTER TABLE "routing_plans" ADD CONSTRAINT "routing_plans_deployment_id_reference" FOREIGN KEY ("deployment_id") REFERENCES "deployments"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
]

export class Serving1764100000000 implements MigrationInterface {
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
