import type { Backfill } from '../../contracts/rest/backfills.js'
import { executions } from '../../test/support/executions.js'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { atOnce, type Peer, timed } from './peer.js'

const PARTITIONS = 1_000
const PARALLEL = 100

/** A run of a pipeline for each of many partitions, which does next to nothing: time and history. */
export async function backfill({ rest }: Stack, peer: Peer): Promise<Row[]> {
  const step = { uses: 'compare', with: { candidate: 1, reference: 1 }, cache: false }
  await rest.post('/v1/pipelines', { pipelines: { partition: { steps: { step } } } })
  const keys = Array.from({ length: PARTITIONS }, (_, n) => `p${n}`)
  const name = 'partitioned'
  const partitions = { type: 'static', keys }
  await rest.post('/v1/assets', {
    assets: [{ name, kind: 'report', partitions, make: { pipeline: 'partition' } }],
  })
  const asked = { assets: [name], partitions: 'all', parallel: PARALLEL }
  const { id } = await rest.post<Backfill>('/v1/backfills', asked)
  const { status, error, counts, seconds, workflow } = await rest.follow<Backfill>(`/v1/backfills/${id}`)
  if (status !== 'succeeded' || counts.succeeded !== PARTITIONS) {
    throw new Error(`Backfill ${id} has ${status}: ${error?.message} ${JSON.stringify(counts)}`)
  }
  const { workflowId } = workflow
  const { historySize = 0, historyLength } = await peer.client.workflow.getHandle(workflowId).describe()
  const peerSeconds = (await timed(() => atOnce(PARTITIONS, PARALLEL, () => peer.writes(1)))) / 1000
  return [
    {
      what: `backfill of ${PARTITIONS} partitions, ${PARALLEL} at once`,
      unit: 'partitions/s',
      ours: PARTITIONS / seconds!,
      peer: PARTITIONS / peerSeconds,
      peerName: 'workflows of one write',
      aim: 'none: each is a run with its rows',
      details: {
        seconds,
        peerSeconds,
        executions: (await executions(peer.client, workflowId)).length,
        lastHistory: { bytes: historySize, events: historyLength },
      },
    },
  ]
}
