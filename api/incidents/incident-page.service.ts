import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import type { IncidentPageFacts, PageRun } from '../../domain/incidents/page/facts.js'
import { incidentPage } from '../../domain/incidents/page/page.js'
import type { GateDecision } from '../../domain/training/gate.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import type { DriftWindow } from '../../stores/postgres/entities/drift.js'
import type { Incident } from '../../stores/postgres/entities/incident.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { PipelineRunStore } from '../../stores/postgres/pipeline-run-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { PAGE_HEADERS } from '../http/page-headers.js'
import type { Principal } from '../http/request.js'
import { windowSummary } from '../monitoring/window-view.js'
import { CONFIG } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'
import { type RetrainingRuns, retrainingView } from './incident-view.js'
import { IncidentsService } from './incidents.service.js'

/** As many as fit on a page that somebody reads. */
const MOST = 200

/** Gathers the evidence of an incident on one page. */
@Injectable()
export class IncidentPageService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(IncidentsService) private readonly service: IncidentsService,
    @Inject(IncidentStore) private readonly incidents: IncidentStore,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(RunStore) private readonly runs: RunStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(PipelineRunStore) private readonly pipelineRuns: PipelineRunStore,
  ) {}

  async send({ project }: Principal, id: string, reply: FastifyReply): Promise<void> {
    const page = incidentPage(await this.facts(await this.incidents.get(project, id)))
    void reply
      .headers({ ...PAGE_HEADERS, 'cache-control': 'private, no-cache' })
      .header('content-type', 'text/html; charset=utf-8')
      .send(page)
  }

  private async facts(row: Incident): Promise<IncidentPageFacts> {
    const { id, project, deployment, deploymentId, state, message, openedAt, closedAt } = row
    const [run, windows, retrainings, plans, events] = await Promise.all([
      this.runs.get(project, id),
      this.service.windows(row),
      this.service.retrainings(row),
      this.deployments.plans(deploymentId, { limit: MOST }),
      this.incidents.events(id, { limit: MOST }),
    ])
    // The plan in force when it was opened is the last one before.
    const since = plans.items.findIndex(plan => plan.createdAt < openedAt)
    const shown = since === -1 ? plans.items : plans.items.slice(0, since + 1)
    return {
      id,
      deployment: deployment.name,
      model: deployment.model,
      message,
      state,
      openedAt: openedAt.getTime(),
      closedAt: closedAt?.getTime() ?? null,
      windows: windows.toReversed().map(window => pageWindow(deployment.name, window)),
      retrainings: await Promise.all(retrainings.map(each => this.pageRetraining(each))),
      plans: shown.toReversed().map(({ revision, createdAt, plan, reason }) => ({
        revision,
        at: createdAt.getTime(),
        arms: plan.arms,
        reason,
      })),
      events: events.items.toReversed().map(({ number, at, ...event }) => ({
        number,
        at: at.getTime(),
        status: event.status,
        message: event.message,
        evidence: event.evidence,
      })),
      workflow: operationView(run, this.config.temporal).workflow.webUrl,
    }
  }

  private async pageRetraining(runs: RetrainingRuns): Promise<IncidentPageFacts['retrainings'][number]> {
    const { number, trigger, version, dataset, training, rollout } = retrainingView(runs)
    const judged = runs.training && (await this.trainingOf(runs.training))
    const steps = judged === null ? [] : await this.ledger.steps(judged)
    const gate = steps.findLast(({ step }) => step === 'gate')?.outcome as GateDecision | undefined
    return {
      number,
      trigger,
      dataUntil: runs.retraining.dataUntil,
      version,
      set: dataset,
      training: training as PageRun | null,
      gate: gate ?? null,
      rollout: rollout as PageRun | null,
    }
  }

  /** The training itself, or the one that the pipeline's run has started; null where none has begun. */
  private async trainingOf({ id, kind, request }: Run): Promise<string | null> {
    if (kind === 'training') return id
    const { retrains } = request as PipelineRunRequest
    const steps = await this.pipelineRuns.steps(id)
    return steps.findLast(({ step }) => step === retrains?.step)?.child ?? null
  }
}

function pageWindow(deployment: string, row: DriftWindow): IncidentPageFacts['windows'][number] {
  const { windowId: id, startsAt, breached, reason, labelled, metrics, versions } = row
  const { report } = windowSummary(deployment, row).links
  return { id, start: startsAt.getTime(), breached, reason, labelled, metrics, versions, report }
}
