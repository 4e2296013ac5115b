import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  `CREATE TABLE "pools" (
     "project" text NOT NULL,
     "name" text NOT NULL,
     "slots" integer NOT NULL,
     "description" text,
     "pipeline" text,
     "version" integer,
     "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     CONSTRAINT "pools_key" PRIMARY KEY ("project", "name")
   )`,
  `CREATE TABLE "pool_claims" (
     "run_id" uuid NOT NULL,
     "step" text NOT NULL,
     "generation" integer NOT NULL,
     "project" text NOT NULL,
     "pool" text NOT NULL,
     "slots" integer NOT NULL,
     "priority" integer NOT NULL,
     "asked_at" TIMESTAMP WITH TIME ZONE NOT NULL,
     "granted_at" TIMESTAMP WITH TIME ZONE,
     "parked" boolean NOT NULL,
     CONSTRAINT "pool_claims_key" PRIMARY KEY ("run_id", "step", "generation")
   )`,
  `CREATE INDEX "pool_claims_project_pool_priority_asked_at_index" ON "pool_claims" ("project", "pool", "priority", "asked_at") WHERE "granted_at" IS NULL`,
  `CREATE INDEX "pool_claims_project_pool_granted_at_index" ON "pool_claims" ("project", "pool", "granted_at") WHERE "granted_at" IS NOT NULL`,
  `ALTER TABLE "runs" ADD "priority" integer`,
]

export class Pools1765200000000 implements MigrationInterface {
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
