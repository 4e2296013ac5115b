import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `ALTER TABLE "uploads" ADD "reading" jsonb`,
  `ALTER TABLE "uploads" ALTER COLUMN "delimiter" DROP NOT NULL`,
  `ALTER TABLE "uploads" ALTER COLUMN "columns" DROP NOT NULL`,
  `ALTER TABLE "uploads" ALTER COLUMN "rows" DROP NOT NULL`,
  `ALTER TABLE "dataset_versions" ADD "quarantine" jsonb`,
]

/** Files that are no CSV, and rows of a version that could not be read. */
export class TableReaders1765650000000 implements MigrationInterface {
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
