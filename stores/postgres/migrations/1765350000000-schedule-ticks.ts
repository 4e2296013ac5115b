import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ScheduleTicks1765350000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE "schedule_ticks" (
         "id" uuid NOT NULL,
         "project" text NOT NULL,
         "schedule" text NOT NULL,
         "tick" text NOT NULL,
         "outcome" text NOT NULL,
         "run_id" uuid,
         "at" TIMESTAMP WITH TIME ZONE NOT NULL,
         CONSTRAINT "schedule_ticks_project_tick_unique" UNIQUE ("project", "tick"),
         CONSTRAINT "schedule_ticks_key" PRIMARY KEY ("id")
       )`,
    )
    await runner.query(
      `CREATE INDEX "schedule_ticks_project_schedule_at_index" ON "schedule_ticks" ("project", "schedule", "at")`,
    )
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
