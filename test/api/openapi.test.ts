import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type * as Collections from '../../contracts/rest/data-collection.js'
import type * as Data from '../../contracts/rest/data.js'
import type * as Datasets from '../../contracts/rest/datasets.js'
import type * as Deployments from '../../contracts/rest/deployments.js'
import type * as Incidents from '../../contracts/rest/incidents.js'
import type * as Keys from '../../contracts/rest/keys.js'
import type * as Models from '../../contracts/rest/models.js'
import type * as Monitoring from '../../contracts/rest/monitoring.js'
import type * as Operations from '../../contracts/rest/operations.js'
import type * as Profiles from '../../contracts/rest/profiles.js'
import type * as Retraining from '../../contracts/rest/retraining.js'
import type * as Retrainings from '../../contracts/rest/retrainings.js'
import type * as Schedules from '../../contracts/rest/schedules.js'
import type * as Trainings from '../../contracts/rest/trainings.js'
import type * as Uploads from '../../contracts/rest/uploads.js'
import type * as CollectionDtos from '../../api/data/collections.dto.js'
import type * as DataDtos from '../../api/data/data.dto.js'
import type * as DatasetDtos from '../../api/datasets/datasets.dto.js'
import type * as ProfileDtos from '../../api/datasets/profiles.dto.js'
import type * as DeploymentDtos from '../../api/deployments/deployments.dto.js'
import type * as LabelDtos from '../../api/deployments/labels.dto.js'
import type * as IncidentDtos from '../../api/incidents/incidents.dto.js'
import type * as KeyDtos from '../../api/keys/keys.dto.js'
import type * as ModelDtos from '../../api/models/models.dto.js'
import type * as MonitoringDtos from '../../api/monitoring/monitoring.dto.js'
import type * as WindowDtos from '../../api/monitoring/windows.dto.js'
import type * as RetrainingDtos from '../../api/retraining/retraining.dto.js'
import type * as RetrainingRunDtos from '../../api/retraining/retrainings.dto.js'
import type { OperationDto } from '../../api/runs/operation.dto.js'
import type * as ScheduleDtos from '../../api/schedules/schedules.dto.js'
import type * as TrainingDtos from '../../api/trainings/trainings.dto.js'
import type { UploadDto } from '../../api/uploads/uploads.dto.js'
import { TestApi } from './support/api.js'

/** True where both can stand for each other and have the same members; else the build fails here. */
type Same<A, B> = [A, B, keyof A] extends [B, A, keyof B]
  ? [keyof B] extends [keyof A]
    ? true
    : never
  : never

const compared: true[] = [
  true satisfies Same<UploadDto, Uploads.Upload>,
  true satisfies Same<DatasetDtos.CommitDatasetDto, Datasets.CommitDataset>,
  true satisfies Same<DatasetDtos.DatasetDto, Datasets.Dataset>,
  true satisfies Same<DatasetDtos.DatasetVersionDto, Datasets.DatasetVersion>,
  true satisfies Same<DatasetDtos.DatasetCommitDto, Datasets.DatasetCommit>,
  true satisfies Same<DatasetDtos.RowsDto, Datasets.Rows>,
  true satisfies Same<CollectionDtos.StartCollectionDto, Collections.StartCollection>,
  true satisfies Same<CollectionDtos.DataCollectionDto, Collections.DataCollection>,
  true satisfies Same<CollectionDtos.StartVerificationDto, Collections.StartVerification>,
  true satisfies Same<CollectionDtos.DataVerificationDto, Collections.DataVerification>,
  true satisfies Same<CollectionDtos.VerificationReportDto, Collections.VerificationReport>,
  true satisfies Same<CollectionDtos.SetRetentionDto, Collections.SetRetention>,
  true satisfies Same<CollectionDtos.DatasetRetentionDto, Collections.DatasetRetention>,
  true satisfies Same<CollectionDtos.PurgeVersionDto, Collections.PurgeVersion>,
  true satisfies Same<CollectionDtos.PurgedVersionDto, Collections.PurgedVersion>,
  true satisfies Same<ProfileDtos.TableProfileDto, Profiles.TableProfile>,
  true satisfies Same<ProfileDtos.ProfileDiffDto, Profiles.ProfileDiff>,
  true satisfies Same<DataDtos.StartPushDto, Data.StartPush>,
  true satisfies Same<DataDtos.DataPushDto, Data.DataPush>,
  true satisfies Same<DataDtos.AskChunksDto, Data.AskChunks>,
  true satisfies Same<DataDtos.MissingChunksDto, Data.MissingChunks>,
  true satisfies Same<DataDtos.OfferPackDto, Data.OfferPack>,
  true satisfies Same<DataDtos.PackUploadDto, Data.PackUpload>,
  true satisfies Same<DataDtos.ReceivedPackDto, Data.ReceivedPack>,
  true satisfies Same<DataDtos.DataFileDto, Data.DataFile>,
  true satisfies Same<DataDtos.DataChangeDto, Data.DataChange>,
  true satisfies Same<DataDtos.DataRefDto, Data.DataRef>,
  true satisfies Same<DataDtos.MoveRefDto, Data.MoveRef>,
  true satisfies Same<DataDtos.StartPullDto, Data.StartPull>,
  true satisfies Same<DataDtos.DataPullDto, Data.DataPull>,
  true satisfies Same<DataDtos.PullProgressDto, Data.PullProgress>,
  true satisfies Same<TrainingDtos.StartTrainingDto, Trainings.StartTraining>,
  true satisfies Same<TrainingDtos.TrainingDto, Trainings.Training>,
  true satisfies Same<TrainingDtos.TrainingSummaryDto, Trainings.TrainingSummary>,
  true satisfies Same<ModelDtos.ModelDto, Models.Model>,
  true satisfies Same<ModelDtos.ModelVersionDto, Models.ModelVersion>,
  true satisfies Same<ModelDtos.SetAliasDto, Models.SetAlias>,
  true satisfies Same<ModelDtos.AliasDto, Models.Alias>,
  true satisfies Same<ModelDtos.AliasChangeDto, Models.AliasChange>,
  true satisfies Same<DeploymentDtos.CreateDeploymentDto, Deployments.CreateDeployment>,
  true satisfies Same<DeploymentDtos.DeploymentSummaryDto, Deployments.DeploymentSummary>,
  true satisfies Same<DeploymentDtos.DeploymentDto, Deployments.Deployment>,
  true satisfies Same<DeploymentDtos.PlanDto, Deployments.Plan>,
  true satisfies Same<LabelDtos.SendLabelsDto, Deployments.SendLabels>,
  true satisfies Same<LabelDtos.LabelsAcceptedDto, Deployments.LabelsAccepted>,
  true satisfies Same<LabelDtos.LabelHistoryDto, Deployments.LabelHistory>,
  true satisfies Same<MonitoringDtos.SetMonitoringDto, Monitoring.SetMonitoring>,
  true satisfies Same<MonitoringDtos.MonitoringDto, Monitoring.Monitoring>,
  true satisfies Same<WindowDtos.WindowSummaryDto, Monitoring.WindowSummary>,
  true satisfies Same<WindowDtos.DriftWindowDto, Monitoring.DriftWindow>,
  true satisfies Same<IncidentDtos.IncidentSummaryDto, Incidents.IncidentSummary>,
  true satisfies Same<IncidentDtos.IncidentDto, Incidents.Incident>,
  true satisfies Same<IncidentDtos.IncidentEventDto, Incidents.IncidentEvent>,
  true satisfies Same<IncidentDtos.AcknowledgeIncidentDto, Incidents.AcknowledgeIncident>,
  true satisfies Same<IncidentDtos.RetrainIncidentDto, Incidents.RetrainIncident>,
  true satisfies Same<IncidentDtos.EndIncidentDto, Incidents.EndIncident>,
  true satisfies Same<IncidentDtos.IncidentVerbAcceptedDto, Incidents.IncidentVerbAccepted>,
  true satisfies Same<RetrainingDtos.SetRetrainingDto, Retraining.SetRetraining>,
  true satisfies Same<RetrainingDtos.RetrainingDto, Retraining.Retraining>,
  true satisfies Same<RetrainingRunDtos.StartRetrainingDto, Retrainings.StartRetraining>,
  true satisfies Same<RetrainingRunDtos.RetrainingRunDto, Retrainings.RetrainingRun>,
  true satisfies Same<ScheduleDtos.BackfillScheduleDto, Schedules.BackfillSchedule>,
  true satisfies Same<ScheduleDtos.ScheduleBackfillDto, Schedules.Backfill>,
  true satisfies Same<ScheduleDtos.CreateScheduleDto, Schedules.CreateSchedule>,
  true satisfies Same<ScheduleDtos.UpdateScheduleDto, Schedules.UpdateSchedule>,
  true satisfies Same<ScheduleDtos.ScheduleDto, Schedules.Schedule>,
  true satisfies Same<OperationDto, Operations.Operation>,
  true satisfies Same<KeyDtos.CreateKeyDto, Keys.CreateKey>,
  true satisfies Same<KeyDtos.KeyDto, Keys.Key>,
  true satisfies Same<KeyDtos.CreatedKeyDto, Keys.CreatedKey>,
]

interface Operation {
  operationId: string
  summary?: string
  responses: Record<string, { description: string }>
}

describe('the OpenAPI description', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
  })
  afterAll(() => api.close())

  it('has one description for each name', async () => {
    const root = fileURLToPath(new URL('../../../api', import.meta.url))
    const files = (await readdir(root, { recursive: true })).filter(file => file.endsWith('.ts'))
    const texts = await Promise.all(files.map(file => readFile(join(root, file), 'utf8')))
    const names = texts.flatMap(text => [...text.matchAll(/class (\w+Dto)\b/g)].map(([, name]) => name))
    expect(names.length).toBeGreaterThan(100)
    // Of two classes of one name only the last that was seen is described.
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  const operations = () =>
    Object.entries(api.document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, ...(operation as Operation) })),
    )

  it('is the one in docs/openapi.json (else run: node dist/api/openapi.js)', async () => {
    const committed: unknown = JSON.parse(
      await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'),
    )
    expect(JSON.parse(JSON.stringify(api.document))).toEqual(committed)
    expect(await (await fetch(`${api.url}/docs-json`)).json()).toEqual(committed)
  })

  it('names every operation once and says what it does', () => {
    const ids = operations().map(each => each.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(operations().filter(each => !each.summary)).toEqual([])
    expect(ids).toEqual(
      expect.arrayContaining(['startTraining', 'commitDataset', 'uploadFile', 'createSchedule']),
    )
  })

  it('describes the errors of every route that needs a key', () => {
    for (const { path, responses } of operations().filter(each => each.path.startsWith('/v1/'))) {
      for (const status of ['401', '403', '500', '503'])
        expect([path, status, status in responses]).toEqual([path, status, true])
    }
  })

  it('has no reference to nowhere', () => {
    const text = JSON.stringify(api.document)
    const names = Object.keys(api.document.components!.schemas!)
    const references = [...text.matchAll(/"#\/components\/schemas\/([^"]*)"/g)].map(match => match[1])
    expect(references.filter(name => !names.includes(name!))).toEqual([])
  })

  it('has DTOs with exactly the members of the REST contract', () => {
    // The comparison itself is the compiler's.
    expect(compared).not.toContain(false)
  })
})
