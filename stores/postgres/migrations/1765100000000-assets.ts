import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "assets" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "version" integer NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "deleted_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "assets_project_name_unique" UNIQUE ("project", "name"),
     CONSTRAINT "assets_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "asset_versions" (
     "asset_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "definition" jsonb NOT NULL,
     "sha256" text NOT NULL,
     "shape_sha256" text NOT NULL,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "asset_versions_key" PRIMARY KEY ("asset_id", "version")
   )`,
  `ALTER TABLE "asset_versions" ADD CONSTRAINT "asset_versions_asset_id_reference" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `CREATE TABLE "asset_partitions" (
     "asset_id" uuid NOT NULL,
     "key" text NOT NULL,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "asset_partitions_key" PRIMARY KEY ("asset_id", "key")
   )`,
  `ALTER TABLE "asset_partitions" ADD CONSTRAINT "asset_partitions_asset_id_reference" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `CREATE TABLE "asset_materialisations" (
     "run_id" uuid NOT NULL,
     "project" text NOT NULL,
     "asset" text NOT NULL,
     "partition" text NOT NULL,
     "definition_version" integer NOT NULL,
     "shape_sha256" text NOT NULL,
     "code_sha256" text NOT NULL,
     "data_sha256" text NOT NULL,
     "inputs" jsonb NOT NULL,
     "backfill_id" uuid NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "asset_materialisations_key" PRIMARY KEY ("run_id")
   )`,
  `CREATE INDEX "asset_materialisations_project_asset_partition_at_index" ON "asset_materialisations" ("project", "asset", "partition", "at")`,
  `CREATE TABLE "backfills" (
     "run_id" uuid NOT NULL,
     "attempt" integer NOT NULL,
     "closed" integer NOT NULL,
     "revision" integer NOT NULL,
     CONSTRAINT "backfills_key" PRIMARY KEY ("run_id")
   )`,
  `CREATE TABLE "backfill_items" (
     "run_id" uuid NOT NULL,
     "position" integer NOT NULL,
     "asset" text NOT NULL,
     "partition" text NOT NULL,
     "needs" integer array NOT NULL,
     "state" text NOT NULL,
     "generation" integer NOT NULL,
     "child" uuid,
     "made_from" jsonb,
     "note" text,
     "error" jsonb,
     "started_at" TIMESTAMP WITH TIME ZONE,
     "ended_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "backfill_items_key" PRIMARY KEY ("run_id", "position")
   )`,
  `CREATE INDEX "backfill_items_run_id_state_position_index" ON "backfill_items" ("run_id", "state", "position")`,
  `CREATE INDEX "backfill_items_child_index" ON "backfill_items" ("child") WHERE "child" IS NOT NULL`,
]

export class Assets1765100000000 implements MigrationInterface {
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
