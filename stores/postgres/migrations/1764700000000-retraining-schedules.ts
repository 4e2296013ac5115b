import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `ALTER TABLE "schedules" ADD "kind" text NOT NULL DEFAULT 'training'`,
  `ALTER TABLE "schedules" ADD "deployment" text`,
  `ALTER TABLE "schedules" ALTER COLUMN "training" DROP NOT NULL`,
]

export class RetrainingSchedules1764700000000 implements MigrationInterface {
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
