import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  Incident,
  IncidentEvent,
  IncidentState,
  IncidentSummary,
} from '../../contracts/rest/incidents.js'
import type { IncidentLive } from '../../contracts/temporal/incidents.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import type { DriftWindow } from '../../stores/postgres/entities/drift.js'
import type { Incident as Row } from '../../stores/postgres/entities/incident.js'
import { IncidentStore, runOfIncident } from '../../stores/postgres/incident-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { windowSummary } from '../monitoring/window-view.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { LiveDetail } from '../temporal/live-detail.js'
import { eventView, incidentSummary, type RetrainingRuns, retrainingView, setOf } from './incident-view.js'

const MOST_WINDOWS = 200

@Injectable()
export class IncidentsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(IncidentStore) private readonly incidents: IncidentStore,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(DriftStore) private readonly drift: DriftStore,
    @Inject(RunStore) private readonly runs: RunStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(LiveDetail) private readonly live: LiveDetail,
  ) {}

  async list(
    { project }: Principal,
    { deployment, ...query }: PageQuery & { deployment?: string; status?: IncidentState },
  ): Promise<Page<IncidentSummary>> {
    const of =
      deployment === undefined ? {} : { deploymentId: (await this.deployments.get(project, deployment)).id }
    return mapPage(await this.incidents.list(project, { ...query, ...of }), incidentSummary)
  }

  async get({ project }: Principal, id: string): Promise<Incident> {
    const row = await this.incidents.get(project, id)
    const run = await this.runs.get(project, id)
    const [windows, retrainings, events, live] = await Promise.all([
      this.windows(row),
      this.retrainings(row),
      this.incidents.events(id, {}),
      this.live.of(run),
    ])
    const { stage, message = null } = (live?.answer ?? {}) as Partial<IncidentLive>
    return {
      ...incidentSummary(row),
      live: stage === undefined ? null : { status: stage, message },
      windows: windows.map(window => windowSummary(row.deployment.name, window)),
      retrainings: retrainings.map(retrainingView),
      settledUntil: row.state.settledUntil === null ? null : new Date(row.state.settledUntil).toISOString(),
      events: events.items.map(eventView),
      operation: operationView(run, this.config.temporal),
    }
  }

  async events({ project }: Principal, id: string, query: PageQuery): Promise<Page<IncidentEvent>> {
    await this.incidents.get(project, id)
    return mapPage(await this.incidents.events(id, query), eventView)
  }

  /** Windows from the first breached one on, newest first. */
  async windows({ deploymentId, state }: Row): Promise<DriftWindow[]> {
    const { items } = await this.drift.windows(deploymentId, { limit: MOST_WINDOWS })
    return items.filter(window => window.startsAt.getTime() >= state.openedBy[0]!.start)
  }

  async retrainings({ id, project, state }: Row): Promise<RetrainingRuns[]> {
    const steps = await this.ledger.steps(id)
    return Promise.all(
      state.retrainings.map(async retraining => ({
        retraining,
        set: setOf(steps, retraining.number),
        training: await this.runs.find(project, runOfIncident(id, 'training', retraining.number)),
        rollout: await this.runs.find(project, runOfIncident(id, 'rollout', retraining.number)),
      })),
    )
  }
}
