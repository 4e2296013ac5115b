import type { DataSource } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { Schedule, ScheduleTick } from './entities/schedule.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewSchedule = Pick<
  Schedule,
  | 'project'
  | 'name'
  | 'kind'
  | 'training'
  | 'deployment'
  | 'pipeline'
  | 'timing'
  | 'paused'
  | 'note'
  | 'principal'
>
export type ScheduleChange = Partial<
  Pick<Schedule, 'training' | 'deployment' | 'pipeline' | 'timing' | 'paused' | 'note'>
>

/** What each schedule should be; the Temporal Schedule is made equal to it. */
export class ScheduleStore {
  constructor(private readonly dataSource: DataSource) {}

  async create(schedule: NewSchedule): Promise<Schedule> {
    const now = new Date()
    const rows = await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(Schedule)
      .values({ ...schedule, id: uuidv7(), createdAt: now, updatedAt: now } as never)
      .orIgnore()
      .returning('id')
      .execute()
    if ((rows.raw as unknown[]).length === 0) {
      throw new MlforgeError(
        'already_exists',
        `There is a schedule "${schedule.name}" already. Change it with PATCH, or choose another name.`,
      )
    }
    return this.get(schedule.project, schedule.name)
  }

  async get(project: string, name: string): Promise<Schedule> {
    const repository = this.dataSource.getRepository(Schedule)
    const schedule = await repository.findOneBy({ project, name })
    if (schedule) return schedule
    const others = await repository.find({ where: { project }, select: { name: true }, take: 1000 })
    const hint = didYouMean(
      name,
      others.map(other => other.name),
    )
    throw new MlforgeError('not_found', `There is no schedule "${name}" in project ${project}.${hint}`)
  }

  async list(project: string, request: PageRequest): Promise<PageOf<Schedule>> {
    return page(
      this.dataSource.getRepository(Schedule).createQueryBuilder('schedule').where({ project }),
      ['createdAt', 'id'],
      request,
    )
  }

  /** What has become of a tick; one that was skipped may have its run later. */
  async recordTick(
    tick: Pick<ScheduleTick, 'project' | 'schedule' | 'tick' | 'outcome' | 'runId'>,
  ): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO schedule_ticks AS known (id, project, schedule, tick, outcome, run_id, at)
       VALUES ($1, $2, $3, $4, $5, $6, now())
       ON CONFLICT (project, tick) DO UPDATE SET outcome = $5, run_id = $6, at = now()
       WHERE known.outcome <> 'run'`,
      [uuidv7(), tick.project, tick.schedule, tick.tick, tick.outcome, tick.runId],
    )
  }

  async ticks(project: string, name: string, request: PageRequest): Promise<PageOf<ScheduleTick>> {
    await this.get(project, name)
    return page(
      this.dataSource
        .getRepository(ScheduleTick)
        .createQueryBuilder('tick')
        .where({ project, schedule: name }),
      ['at', 'id'],
      request,
    )
  }

  /** Names of the deployments whose windows are checked by a schedule of their own. */
  async checkedDeployments(project: string): Promise<Set<string>> {
    const rows = await this.dataSource
      .getRepository(Schedule)
      .findBy({ project, kind: 'driftCheck', paused: false })
    return new Set(rows.map(({ deployment }) => deployment!))
  }

  async update(project: string, name: string, change: ScheduleChange): Promise<Schedule> {
    const schedule = await this.get(project, name)
    return this.dataSource
      .getRepository(Schedule)
      .save(Object.assign(schedule, change, { updatedAt: new Date() }))
  }

  async remove(project: string, name: string): Promise<void> {
    await this.get(project, name)
    await this.dataSource.getRepository(Schedule).delete({ project, name })
  }
}
