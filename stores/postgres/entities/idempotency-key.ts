import { Column, Entity, Index, PrimaryColumn } from 'typeorm'

/** The answer that a request with an Idempotency-Key has had; the same key and body get it again. */
@Entity('idempotency_keys')
@Index(['expiresAt'])
export class IdempotencyKey {
  @PrimaryColumn('text') project!: string
  @PrimaryColumn('text') principal!: string
  @PrimaryColumn('text') route!: string
  @PrimaryColumn('text') key!: string
  @Column('text') bodySha256!: string
  @Column('uuid') runId!: string
  @Column('timestamptz') expiresAt!: Date
}
