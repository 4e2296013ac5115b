// XGBoost from the Node child against the official Python package: same version, parameters, rows
// and number of threads, runs interleaved, medians; and what checkpoints cost.
// Both sides time the rounds alone: reading the table and starting the process are not compared.
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { runJob } from '../trainers/runner.js'
import type { TrainJob, TrainResult } from '../trainers/protocol.js'
import { python } from '../test/support/python.js'
import { FEATURES, temporaryDirectory, trainJob, writeBikeRows } from '../test/trainers/support.js'
import { median, report, type Row } from './report.js'

const ROUNDS = [500, 2000]
const REPEATS = 5

const PYTHON = `
import json, sys, time
import numpy as np, pyarrow.parquet as pq, xgboost
file, features, target, parameters, rounds = sys.argv[1:]
features = features.split(',')
table = pq.read_table(file)
x = np.column_stack([table[f].cast('float64').to_numpy() for f in features]).astype(np.float32)
y = table[target].cast('float64').to_numpy().astype(np.float32)
data = xgboost.DMatrix(x, label=y, feature_names=features, nthread=1)
booster = xgboost.Booster(json.loads(parameters), [data])
start = time.perf_counter()
for i in range(int(rounds)):
    booster.update(data, i)
seconds = time.perf_counter() - start
print(json.dumps(dict(seconds=seconds, trees=booster.num_boosted_rounds())))
`

const { path: root, remove } = await temporaryDirectory()
try {
  const data = join(root, 'train.parquet')
  await writeBikeRows(data, 'yr = 0 AND mnth <= 8')
  const rows: Row[] = []
  for (const rounds of ROUNDS) rows.push(...(await measure(data, rounds)))
  report('xgboost', rows)
} finally {
  await remove()
}

async function measure(data: string, rounds: number): Promise<Row[]> {
  const node: number[] = []
  const kept: TrainResult[] = []
  const peer: number[] = []
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    node.push((await child(data, rounds, 0)).seconds)
    peer.push(await pythonSeconds(data, rounds))
    kept.push(await child(data, rounds, 250))
  }
  const size = { rounds, repeats: REPEATS }
  return [
    {
      what: `training, ${rounds} rounds`,
      unit: 's',
      ours: median(node),
      peer: median(peer),
      peerName: 'xgboost-cpu in Python',
      aim: '0.95 to 1.05',
      details: { ...size, ours: node, peer },
    },
    {
      what: `checkpoint every 250, ${rounds} rounds`,
      unit: 's',
      // Of the same run: whole runs differ by more than what is to be measured.
      ours: median(kept.map(run => run.seconds)),
      peer: median(kept.map(run => run.seconds - run.checkpointSeconds)),
      peerName: 'without the time they took',
      aim: 'under 1.03',
      details: {
        ...size,
        seconds: kept.map(run => run.seconds),
        checkpointSeconds: kept.map(run => run.checkpointSeconds),
        wholeRunsAgainstNoCheckpoints: median(kept.map(run => run.seconds)) / median(node),
      },
    },
  ]
}

async function child(data: string, rounds: number, checkpointEvery: number): Promise<TrainResult> {
  const directory = join(root, `rounds-${rounds}-${checkpointEvery}`)
  await mkdir(directory, { recursive: true })
  const job: TrainJob = trainJob(directory, data, { rounds, checkpointEvery })
  return runJob(job, { scratch: directory })
}

async function pythonSeconds(data: string, rounds: number): Promise<number> {
  const { parameters } = trainJob(root, data)
  const args = [data, FEATURES.join(','), 'cnt', JSON.stringify(parameters), String(rounds)]
  const { seconds, trees } = await python<{ seconds: number; trees: number }>(PYTHON, ...args)
  if (trees !== rounds) throw new Error(`Python trained ${trees} of ${rounds} rounds`)
  return seconds
}
