// Many trainings started at once: how fast they are accepted, that all finish, what the processes
// need, and how long reads of the API take meanwhile.
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../contracts/rest/common.js'
import type { Training, TrainingSummary } from '../contracts/rest/trainings.js'
import { percentile, report, type Row } from './report.js'
import { smallTraining, type Stack, withStack } from './stack.js'

const SIZES = [50, 200]
const IDLE_READS = 300
const ONE_BY_ONE = 20

const rows: Row[] = []
for (const size of SIZES) await withStack(async stack => void rows.push(...(await burst(stack, size))))
report('load', rows)

async function burst(stack: Stack, size: number): Promise<Row[]> {
  const { rest } = stack
  const idle = await reads(rest, 'bike', IDLE_READS)
  const sequential = await oneByOne(rest)
  const body = smallTraining('burst')
  const started = performance.now()
  const accepted = await Promise.all(
    Array.from({ length: size }, () => rest.post<Training>('/v1/trainings', body)),
  )
  const acceptSeconds = (performance.now() - started) / 1000
  const busy: number[] = []
  const peak = new Map<string, number>()
  for (;;) {
    busy.push(...(await reads(rest, 'bike', 20)))
    await memory(stack, peak)
    const { items } = await rest.get<Page<TrainingSummary>>(
      '/v1/trainings?model=burst&status=succeeded&limit=200',
    )
    if (items.length === size) break
    if (performance.now() - started > 1_800_000)
      throw new Error(`${items.length} of ${size} finished in half an hour`)
    await wait(500)
  }
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${accepted.length} accepted in ${acceptSeconds.toFixed(1)} s, all finished in ${seconds.toFixed(0)} s`,
  )
  for (const [name, bytes] of peak) console.log(`  ${name}: ${Math.round(bytes / 2 ** 20)} MiB at most`)
  return [
    {
      what: `accepted per second, ${size} at once`,
      unit: '1/s',
      ours: size / acceptSeconds,
      peer: sequential,
      peerName: 'one after the other',
      aim: 'above 1 x',
      details: { allFinishedSeconds: seconds, peakBytes: Object.fromEntries(peak) },
    },
    {
      what: `p99 of reads while ${size} trainings run`,
      unit: 'ms',
      ours: percentile(busy, 0.99),
      peer: percentile(idle, 0.99),
      peerName: 'idle',
      aim: 'near 1 x',
      details: { medianBusy: percentile(busy, 0.5), medianIdle: percentile(idle, 0.5) },
    },
  ]
}

/** Accepted per second when each request waits for the answer to the one before; all finished at the end. */
async function oneByOne(rest: Stack['rest']): Promise<number> {
  const body = smallTraining('one-by-one')
  const started = performance.now()
  const ids: string[] = []
  for (let i = 0; i < ONE_BY_ONE; i++) ids.push((await rest.post<Training>('/v1/trainings', body)).id)
  const perSecond = ONE_BY_ONE / ((performance.now() - started) / 1000)
  for (const id of ids) await rest.follow<Training>(`/v1/trainings/${id}`)
  return perSecond
}

async function reads(rest: Stack['rest'], dataset: string, count: number): Promise<number[]> {
  const milliseconds: number[] = []
  for (let i = 0; i < count; i++) {
    const started = performance.now()
    await rest.get(`/v1/datasets/${dataset}`)
    milliseconds.push(performance.now() - started)
  }
  return milliseconds
}

/** Largest resident size of each process of the stack so far, in bytes. */
async function memory(stack: Stack, peak: Map<string, number>): Promise<void> {
  for (const [name, { pid }] of Object.entries((await stack.endpoints()).processes)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const bytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
    peak.set(name, Math.max(peak.get(name) ?? 0, bytes))
  }
}
