import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Objects that collections have removed, since rows of what was done with them before still name them. */
export class RemovedObjects1766100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "removed_objects" (
      "uri" text NOT NULL,
      "removed_at" TIMESTAMP WITH TIME ZONE NOT NULL,
      CONSTRAINT "removed_objects_key" PRIMARY KEY ("uri")
    )`)
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
