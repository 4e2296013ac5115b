import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "suites" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "dataset" text NOT NULL,
     "version" integer NOT NULL,
     "principal" text NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "suites_project_dataset_unique" UNIQUE ("project", "dataset"),
     CONSTRAINT "suites_key" PRIMARY KEY ("id")
   )`,
  `CREATE TABLE "suite_versions" (
     "suite_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "content" text NOT NULL,
     "sha256" text NOT NULL,
     "expectations" integer NOT NULL,
     "author" text,
     "message" text,
     "principal" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "suite_versions_suite_id_sha256_unique" UNIQUE ("suite_id", "sha256"),
     CONSTRAINT "suite_versions_key" PRIMARY KEY ("suite_id", "version")
   )`,
  `ALTER TABLE "suite_versions" ADD CONSTRAINT "suite_versions_suite_id_reference" FOREIGN KEY ("suite_id") REFERENCES "suites"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `ALTER TABLE "dataset_versions" ADD "suite" jsonb`,
]

/** Suites of expectations have versions of their own, and a version of a dataset says by which of them it was checked. */
export class Suites1765700000000 implements MigrationInterface {
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
