import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `ALTER TABLE "data_packs" ADD "used_epoch" bigint NOT NULL DEFAULT '0'`,
  `ALTER TABLE "data_packs" ADD "doomed_at" TIMESTAMP WITH TIME ZONE`,
  `ALTER TABLE "data_packs" ADD "doomed_by" uuid`,
  `CREATE INDEX "data_packs_doomed_by_index" ON "data_packs" ("doomed_by") WHERE "doomed_by" IS NOT NULL`,
  `CREATE TABLE "data_epochs" (
     "project" text NOT NULL,
     "epoch" bigint NOT NULL,
     CONSTRAINT "data_epochs_key" PRIMARY KEY ("project")
   )`,
  `CREATE TABLE "data_holds" (
     "owner" uuid NOT NULL,
     "pack_id" bigint NOT NULL,
     CONSTRAINT "data_holds_key" PRIMARY KEY ("owner", "pack_id")
   )`,
  `CREATE INDEX "data_holds_pack_id_index" ON "data_holds" ("pack_id")`,
  `CREATE TABLE "data_marks" (
     "run_id" uuid NOT NULL,
     "sha256" bytea NOT NULL,
     "is_node" boolean NOT NULL,
     "is_open" boolean NOT NULL,
     CONSTRAINT "data_marks_key" PRIMARY KEY ("run_id", "sha256")
   )`,
  `CREATE INDEX "data_marks_run_id_index" ON "data_marks" ("run_id") WHERE "is_open"`,
  `CREATE TABLE "data_collections" (
     "run_id" uuid NOT NULL,
     "project" text NOT NULL,
     "epoch" bigint,
     "plan" jsonb,
     "planned_at" TIMESTAMP WITH TIME ZONE,
     "plan_id" uuid,
     "executed_by" uuid,
     CONSTRAINT "data_collections_key" PRIMARY KEY ("run_id")
   )`,
  `CREATE TABLE "data_collection_packs" (
     "run_id" uuid NOT NULL,
     "pack_id" bigint NOT NULL,
     "sha256" bytea NOT NULL,
     "bytes" integer NOT NULL,
     "live_bytes" integer NOT NULL,
     "repacked_at" TIMESTAMP WITH TIME ZONE,
     "swept_at" TIMESTAMP WITH TIME ZONE,
     "removed_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "data_collection_packs_key" PRIMARY KEY ("run_id", "pack_id")
   )`,
  `CREATE TABLE "data_collection_versions" (
     "run_id" uuid NOT NULL,
     "version_id" uuid NOT NULL,
     "retired_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "data_collection_versions_key" PRIMARY KEY ("run_id", "version_id")
   )`,
  `ALTER TABLE "datasets" ADD "retention" jsonb`,
  `ALTER TABLE "dataset_versions" ADD "retired_at" TIMESTAMP WITH TIME ZONE`,
  `ALTER TABLE "dataset_versions" ADD "purge" jsonb`,
  `ALTER TABLE "dataset_versions" ADD "end_recorded" boolean NOT NULL DEFAULT true`,
]

/** What no version needs is removed: which packs are doomed, who holds them, and what a collection has found. */
export class DataCollection1765600000000 implements MigrationInterface {
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
