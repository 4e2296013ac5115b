import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "transformations" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "transformations_key" PRIMARY KEY ("id"),
     CONSTRAINT "transformations_project_name_unique" UNIQUE ("project", "name")
   )`,
  `CREATE TABLE "transformation_versions" (
     "id" uuid NOT NULL,
     "transformation_id" uuid NOT NULL,
     "version" integer NOT NULL,
     "sha256" text NOT NULL,
     "state" jsonb NOT NULL,
     "steps" jsonb NOT NULL,
     "input" jsonb NOT NULL,
     "output" jsonb NOT NULL,
     "rows" bigint NOT NULL,
     "fitted_where" text,
     "dataset" jsonb,
     "run_id" uuid NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "transformation_versions_key" PRIMARY KEY ("id"),
     CONSTRAINT "transformation_versions_transformation_id_version_unique" UNIQUE ("transformation_id", "version"),
     CONSTRAINT "transformation_versions_transformation_id_reference" FOREIGN KEY ("transformation_id") REFERENCES "transformations" ("id")
   )`,
  `CREATE UNIQUE INDEX "transformation_versions_effect_key_index" ON "transformation_versions" ("effect_key")`,
]

/** What was learned from rows, to change other rows by. */
export class Transformations1766000000000 implements MigrationInterface {
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
