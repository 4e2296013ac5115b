import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm'

export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Only the SHA-256 of a key is stored: keys have 256 random bits, so no salt or stretching is needed. */
@Entity('api_keys')
@Index(['project', 'name'], { unique: true, where: '"revoked_at" IS NULL' })
export class ApiKey {
  @PrimaryColumn('uuid') id!: string
  @Column('text') project!: string
  @Column('text') name!: string
  @Column('text') role!: Role
  @Index({ unique: true }) @Column('bytea') hash!: Buffer
  @Column('timestamptz', { nullable: true }) expiresAt!: Date | null
  @Column('timestamptz', { nullable: true }) revokedAt!: Date | null
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date
}
