import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `ALTER TABLE "deployments" ADD "monitoring" jsonb`,
  `CREATE TABLE "drift_windows" (
     "deployment_id" uuid NOT NULL,
     "window_id" text NOT NULL,
     "revision" integer NOT NULL,
     "starts_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "ends_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "state" text NOT NULL,
     "reason" text NOT NULL,
     "breached" boolean,
     "rows" integer NOT NULL,
     "labelled" integer NOT NULL,
     "dropped" integer NOT NULL,
     "versions" jsonb NOT NULL,
     "metrics" jsonb,
     "checks" jsonb NOT NULL,
     "reference" jsonb NOT NULL,
     "report" jsonb NOT NULL,
     "fingerprint" text NOT NULL,
     "as_of" jsonb NOT NULL,
     "run_id" uuid NOT NULL,
     "effect_key" text NOT NULL,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "drift_windows_key" PRIMARY KEY ("deployment_id", "window_id", "revision")
   )`,
  `CREATE UNIQUE INDEX "drift_windows_effect_key_index" ON "drift_windows" ("effect_key")`,
  `CREATE INDEX "drift_windows_deployment_id_starts_at_window_id_index" ON "drift_windows" ("deployment_id", "starts_at", "window_id")`,
  `CREATE TABLE "drift_looks" (
     "deployment_id" uuid NOT NULL,
     "seen" text NOT NULL,
     "pending" jsonb NOT NULL,
     "looked_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "drift_looks_key" PRIMARY KEY ("deployment_id")
   )`,
]

export class Monitoring1764300000000 implements MigrationInterface {
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
