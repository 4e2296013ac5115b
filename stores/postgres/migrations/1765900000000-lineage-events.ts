import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "lineage_events" (
     "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
     "project" text NOT NULL,
     "run_id" uuid NOT NULL,
     "attempt" integer NOT NULL,
     "type" text NOT NULL,
     "status" text NOT NULL,
     "error" jsonb,
     "occurred_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "due_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "tries" integer NOT NULL,
     "last_error" text,
     "sent_at" TIMESTAMP WITH TIME ZONE,
     "refused_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "lineage_events_key" PRIMARY KEY ("id")
   )`,
  `CREATE UNIQUE INDEX "lineage_events_run_id_attempt_type_index" ON "lineage_events" ("run_id", "attempt", "type")`,
  `CREATE INDEX "lineage_events_project_id_index" ON "lineage_events" ("project", "id")`,
  `CREATE INDEX "lineage_events_due_at_index" ON "lineage_events" ("due_at") WHERE "sent_at" IS NULL AND "refused_at" IS NULL`,
]

/** What a receiver of OpenLineage is still owed. */
export class LineageEvents1765900000000 implements MigrationInterface {
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
