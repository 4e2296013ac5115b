import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What a transformation has learned of the folds of a table; null where it was fitted without. */
export class FoldedFits1766250000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "transformation_versions" ADD "folds" jsonb`)
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
