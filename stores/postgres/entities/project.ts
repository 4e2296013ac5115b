import { CreateDateColumn, Entity, PrimaryColumn } from 'typeorm'

/** The first part of every unique key, object name and workflow id. */
@Entity('projects')
export class Project {
  @PrimaryColumn('text') id!: string
  @CreateDateColumn({ type: 'timestamptz' }) createdAt!: Date
}
