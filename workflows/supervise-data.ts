import { proxyActivities } from '@temporalio/workflow'
import type { PublishActivities } from '../activities/data/publish.js'
import type { PublishReport } from '../contracts/temporal/data.js'
import { dataWork } from './activity-presets.js'

/** More of them are the next tick's. */
const AT_MOST = 50
const HEARTBEAT_SECONDS = 30

const { publishVersions } = proxyActivities<PublishActivities>({
  ...dataWork({ heartbeatTimeoutSeconds: HEARTBEAT_SECONDS }),
  // The next tick of the schedule is the retry.
  scheduleToCloseTimeout: '1 hour',
})

/** Writes to the object store what the catalogue of data alone knows: of new tables, and of what a kill has left. */
export async function superviseData(input: { project: string }): Promise<Pick<PublishReport, 'published'>> {
  let published = 0
  for (let round = 0; round < AT_MOST; round++) {
    const report = await publishVersions(input)
    published += report.published
    if (!report.more) break
  }
  return { published }
}
