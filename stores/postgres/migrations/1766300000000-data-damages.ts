import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What verifications have found damaged: noted before it is healed, so that a kill does not lose it. */
export class DataDamages1766300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "data_damages" (
      "run_id" uuid NOT NULL,
      "uri" text NOT NULL,
      "what" text NOT NULL,
      "missing" boolean NOT NULL,
      "healed" boolean,
      "pack_id" bigint,
      "bytes" integer,
      "found_at" TIMESTAMP WITH TIME ZONE NOT NULL,
      CONSTRAINT "data_damages_key" PRIMARY KEY ("run_id", "uri", "what")
    )`)
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
