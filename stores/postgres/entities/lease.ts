import { Column, Entity, PrimaryColumn } from 'typeorm'

/** Fencing: whoever raised the epoch last is the writer; writes of earlier epochs change nothing. */
@Entity('leases')
export class Lease {
  @PrimaryColumn('text') resource!: string
  @Column('bigint') epoch!: string
  @Column('text') owner!: string
  @Column('timestamptz') takenAt!: Date
}
