import { patched, proxyActivities } from '@temporalio/workflow'
import type { PublishActivities } from '../activities/data/publish.js'
import type { DatasetActivities } from '../activities/datasets.js'
import type { DatasetCommitResult, DatasetLive, RunInput } from '../contracts/temporal/messages.js'
import { dataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** Upload -> typed Parquet -> expectations -> profile -> an immutable version. */
export async function datasetCommit(input: RunInput): Promise<DatasetCommitResult> {
  const { ingest, validate, profile, commitVersion } = proxyActivities<DatasetActivities>(
    dataWork(input.limits),
  )
  const { publishVersions } = proxyActivities<PublishActivities>(dataWork(input.limits))

  return asRun<DatasetLive, DatasetCommitResult>(input, { stage: 'ingest' }, async run => {
    const table = await ingest(input)
    run.show('rows', String(table.rows))
    if (table.quarantine) run.show('quarantined', String(table.quarantine.rows))
    run.show('root', table.root)

    run.stage('validate')
    const checked = await validate(input)
    run.warn(checked.warned)
    if (checked.refused) return { outcome: 'refused', error: checked.refused }

    run.stage('profile')
    await profile(input)

    run.stage('commit')
    const version = await commitVersion(input)
    run.show('version', version.created ? String(version.version) : `${version.version} (unchanged)`)
    if (patched('published-versions')) await publishVersions({ project: input.project })
    return { outcome: 'succeeded', version: version.version, root: version.root }
  })
}
