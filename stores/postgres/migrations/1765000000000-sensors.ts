import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "sensors" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "name" text NOT NULL,
     "source" jsonb NOT NULL,
     "pipeline" text NOT NULL,
     "parameters" jsonb NOT NULL,
     "interval_seconds" integer NOT NULL,
     "max_open_runs" integer NOT NULL,
     "paused" boolean NOT NULL,
     "note" text,
     "principal" text NOT NULL,
     "revision" integer NOT NULL,
     "incarnation" integer NOT NULL,
     "since" TIMESTAMP WITH TIME ZONE NOT NULL,
     "cursor" jsonb,
     "sequence" integer NOT NULL,
     "events" integer NOT NULL,
     "last_error" jsonb,
     "failing_since" TIMESTAMP WITH TIME ZONE,
     "failures" integer NOT NULL,
     "looked_at" TIMESTAMP WITH TIME ZONE,
     "next_look_at" TIMESTAMP WITH TIME ZONE,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "deleted_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "sensors_key" PRIMARY KEY ("id")
   )`,
  `CREATE UNIQUE INDEX "sensors_project_name_index" ON "sensors" ("project", "name") WHERE "deleted_at" IS NULL`,
  `CREATE INDEX "sensors_project_created_at_id_index" ON "sensors" ("project", "created_at", "id")`,
  `CREATE TABLE "sensor_ticks" (
     "id" uuid NOT NULL,
     "sensor_id" uuid NOT NULL,
     "incarnation" integer NOT NULL,
     "key" text NOT NULL,
     "payload" jsonb,
     "object_uri" text,
     "outcome" text NOT NULL,
     "run_id" uuid,
     "reason" text,
     "problems" jsonb NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "sensor_ticks_key" PRIMARY KEY ("id")
   )`,
  `ALTER TABLE "sensor_ticks" ADD CONSTRAINT "sensor_ticks_sensor_id_reference" FOREIGN KEY ("sensor_id") REFERENCES "sensors"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `CREATE INDEX "sensor_ticks_sensor_id_at_id_index" ON "sensor_ticks" ("sensor_id", "at", "id")`,
  `CREATE UNIQUE INDEX "sensor_ticks_sensor_id_incarnation_key_index" ON "sensor_ticks" ("sensor_id", "incarnation", "key")`,
  `CREATE UNIQUE INDEX "sensor_ticks_run_id_index" ON "sensor_ticks" ("run_id") WHERE "run_id" IS NOT NULL`,
  `CREATE TABLE "sensor_events" (
     "sensor_id" uuid NOT NULL,
     "number" integer NOT NULL,
     "key" text NOT NULL,
     "body_sha256" text NOT NULL,
     "payload" jsonb,
     "principal" text NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "sensor_events_key" PRIMARY KEY ("sensor_id", "number")
   )`,
  `ALTER TABLE "sensor_events" ADD CONSTRAINT "sensor_events_sensor_id_reference" FOREIGN KEY ("sensor_id") REFERENCES "sensors"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `CREATE UNIQUE INDEX "sensor_events_sensor_id_key_index" ON "sensor_events" ("sensor_id", "key")`,
]

export class Sensors1765000000000 implements MigrationInterface {
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
