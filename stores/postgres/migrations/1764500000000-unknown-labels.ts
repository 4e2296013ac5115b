import type { MigrationInterface, QueryRunner } from 'typeorm'

// Labels and files that are there already have been looked at by nobody: the first looks see to them.
const UP = [
  `ALTER TABLE "labels" ADD "matched_at" TIMESTAMP WITH TIME ZONE, ADD "reported_at" TIMESTAMP WITH TIME ZONE`,
  `CREATE INDEX "labels_held_index" ON "labels" ("deployment_id", "received_at") WHERE "revision" = 0 AND "matched_at" IS NULL AND "reported_at" IS NULL`,
  `CREATE INDEX "labels_unknown_index" ON "labels" ("deployment_id", "reported_at", "prediction_id") WHERE "matched_at" IS NULL AND "reported_at" IS NOT NULL`,
  `ALTER TABLE "prediction_files" ADD "matched_at" TIMESTAMP WITH TIME ZONE`,
  `CREATE INDEX "prediction_files_unmatched_index" ON "prediction_files" ("deployment_id") WHERE "matched_at" IS NULL`,
  `CREATE TABLE "label_looks" (
     "deployment_id" uuid NOT NULL,
     "revision" integer NOT NULL,
     "swept_until" TIMESTAMP WITH TIME ZONE,
     "sweep_until" TIMESTAMP WITH TIME ZONE,
     "sweep_event_time" TIMESTAMP WITH TIME ZONE,
     "sweep_file" uuid,
     "sweep_ms" integer NOT NULL,
     "rest_until" TIMESTAMP WITH TIME ZONE,
     "looked_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "label_looks_key" PRIMARY KEY ("deployment_id")
   )`,
]

export class UnknownLabels1764500000000 implements MigrationInterface {
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
