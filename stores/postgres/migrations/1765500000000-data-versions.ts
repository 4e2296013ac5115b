import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "data_packs" (
     "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
     "project" text NOT NULL,
     "sha256" bytea NOT NULL,
     "bytes" integer NOT NULL,
     "verified_at" TIMESTAMP WITH TIME ZONE,
     "used_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "data_packs_project_sha256_unique" UNIQUE ("project", "sha256"),
     CONSTRAINT "data_packs_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "data_chunks" (
     "project" text NOT NULL,
     "sha256" bytea NOT NULL,
     "pack_id" bigint NOT NULL,
     "offset" integer NOT NULL,
     "stored" integer NOT NULL,
     "bytes" integer NOT NULL,
     "codec" smallint NOT NULL,
     CONSTRAINT "data_chunks_key" PRIMARY KEY ("project", "sha256", "pack_id")
   )`,
  `CREATE INDEX "data_chunks_pack_id_index" ON "data_chunks" ("pack_id")`,
  `CREATE TABLE "data_push_packs" (
     "run_id" uuid NOT NULL,
     "pack_id" bigint NOT NULL,
     CONSTRAINT "data_push_packs_key" PRIMARY KEY ("run_id", "pack_id")
   )`,
  `CREATE TABLE "data_transfers" (
     "run_id" uuid NOT NULL,
     "project" text NOT NULL,
     "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "sealed_at" TIMESTAMP WITH TIME ZONE,
     "released_at" TIMESTAMP WITH TIME ZONE,
     "files" integer NOT NULL,
     "bytes" bigint NOT NULL,
     "packs" integer NOT NULL,
     CONSTRAINT "data_transfers_key" PRIMARY KEY ("run_id")
   )`,
  `CREATE TABLE "data_refs" (
     "dataset_id" uuid NOT NULL,
     "name" text NOT NULL,
     "kind" text NOT NULL,
     "version" integer,
     "sequence" integer NOT NULL,
     "principal" text NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "recorded" integer NOT NULL,
     CONSTRAINT "data_refs_key" PRIMARY KEY ("dataset_id", "name")
   )`,
  `ALTER TABLE "dataset_versions" ADD "branch" text NOT NULL DEFAULT 'main'`,
  `ALTER TABLE "dataset_versions" ALTER COLUMN "branch" DROP DEFAULT`,
  `ALTER TABLE "dataset_versions" ADD "parent_versions" integer array NOT NULL DEFAULT '{}'`,
  `UPDATE "dataset_versions" SET "parent_versions" = CASE "version" WHEN 1 THEN '{}' ELSE ARRAY["version" - 1] END`,
  `ALTER TABLE "dataset_versions" ALTER COLUMN "parent_versions" DROP DEFAULT`,
  `ALTER TABLE "dataset_versions" ADD "manifest" text`,
  `ALTER TABLE "dataset_versions" ADD "files" integer`,
  `ALTER TABLE "dataset_versions" ADD "bytes" bigint`,
  `ALTER TABLE "dataset_versions" ADD "author" text`,
  `ALTER TABLE "dataset_versions" ADD "code" jsonb`,
  `ALTER TABLE "dataset_versions" ADD "commit" text`,
  ...['rows', 'raw', 'parquet', 'schema', 'conversion', 'expectations', 'profile'].map(
    column => `ALTER TABLE "dataset_versions" ALTER COLUMN "${column}" DROP NOT NULL`,
  ),
  `INSERT INTO "data_refs"
   SELECT "dataset_id", 'main', 'branch', max("version"), 1, 'migration', now(), 0
   FROM "dataset_versions" GROUP BY "dataset_id"`,
]

/** Versions are files in packs of chunks, with a table where there is one; branches and tags point at them. */
export class DataVersions1765500000000 implements MigrationInterface {
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
