import type { MigrationInterface, QueryRunner } from 'typeorm'

/** All that there are already are owed to the object store. */
const UP = [
  `ALTER TABLE "suites" ADD "sequence" integer NOT NULL DEFAULT 1`,
  `ALTER TABLE "suites" ADD "recorded" integer NOT NULL DEFAULT 0`,
  `ALTER TABLE "suites" ALTER "sequence" DROP DEFAULT, ALTER "recorded" DROP DEFAULT`,
  `ALTER TABLE "suite_versions" ADD "recorded" boolean NOT NULL DEFAULT false`,
  `ALTER TABLE "transformation_versions" ADD "recorded" boolean NOT NULL DEFAULT false`,
]

/** Suites and transformations are written to the object store, from which they can be restored. */
export class Definitions1766200000000 implements MigrationInterface {
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
