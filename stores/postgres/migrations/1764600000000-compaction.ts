import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `ALTER TABLE "prediction_files" ADD "sources" integer NOT NULL DEFAULT 1`,
  `ALTER TABLE "prediction_files" ADD "replaced_by" uuid`,
  `ALTER TABLE "prediction_files" ADD "replaced_at" TIMESTAMP WITH TIME ZONE`,
  `ALTER TABLE "prediction_files" ADD "deleted_at" TIMESTAMP WITH TIME ZONE`,
  // Every reader looks at files that nothing has replaced, a few among many.
  `DROP INDEX "prediction_files_deployment_id_min_event_time_index"`,
  `DROP INDEX "prediction_files_deployment_id_max_revision_index"`,
  `CREATE INDEX "prediction_files_deployment_id_min_event_time_index" ON "prediction_files" ("deployment_id", "min_event_time") WHERE "replaced_by" IS NULL`,
  `CREATE INDEX "prediction_files_deployment_id_max_revision_index" ON "prediction_files" ("deployment_id", "max_revision") WHERE "replaced_by" IS NULL`,
  `CREATE INDEX "prediction_files_deployment_id_created_at_index" ON "prediction_files" ("deployment_id", "created_at") WHERE "replaced_by" IS NULL`,
  `CREATE INDEX "prediction_files_replaced_at_index" ON "prediction_files" ("replaced_at") WHERE "replaced_at" IS NOT NULL AND "deleted_at" IS NULL`,
]

export class Compaction1764600000000 implements MigrationInterface {
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
