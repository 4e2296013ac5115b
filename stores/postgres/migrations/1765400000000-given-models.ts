import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Versions of files that pipelines register: nobody here has measured, judged or compared them. */
export class GivenModels1765400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const column of ['metrics', 'gate', 'parity']) {
      await runner.query(`ALTER TABLE "model_versions" ALTER COLUMN "${column}" DROP NOT NULL`)
    }
  }

  /** Back-ups are the way back: a migration is never undone on data that newer code has written. */
  async down(): Promise<void> {
    await Promise.reject(
      new Error('Migrations only go forward. To return to an earlier state run "mlforge restore".'),
    )
  }
}
