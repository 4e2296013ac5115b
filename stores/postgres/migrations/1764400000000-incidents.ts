import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "incidents" (
     "id" uuid NOT NULL,
     "project" text NOT NULL,
     "deployment_id" uuid NOT NULL,
     "signal" text NOT NULL,
     "status" text NOT NULL,
     "message" text NOT NULL,
     "state" jsonb NOT NULL,
     "events" integer NOT NULL,
     "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "closed_at" TIMESTAMP WITH TIME ZONE,
     CONSTRAINT "incidents_key" PRIMARY KEY ("id")
   )`,
  `CREATE INDEX "incidents_project_opened_at_id_index" ON "incidents" ("project", "opened_at", "id")`,
  `CREATE UNIQUE INDEX "incidents_deployment_id_signal_index" ON "incidents" ("deployment_id", "signal") WHERE "status" NOT IN ('closed', 'suppressed')`,
  `CREATE TABLE "incident_events" (
     "incident_id" uuid NOT NULL,
     "number" integer NOT NULL,
     "at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "status" text NOT NULL,
     "message" text NOT NULL,
     "evidence" jsonb NOT NULL,
     CONSTRAINT "incident_events_key" PRIMARY KEY ("incident_id", "number")
   )`,
  `ALTER TABLE "incidents" ADD CONSTRAINT "incidents_deployment_id_reference" FOREIGN KEY ("deployment_id") REFERENCES "deployments"("id") ON DELETE NO ACTION ON UPDATE NO ACTION`,
  `ALTER TABLE "deployments" ADD "retraining" jsonb`,
]

export class Incidents1764400000000 implements MigrationInterface {
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
