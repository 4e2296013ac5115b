import { execFile } from 'node:child_process'
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checkStack } from '../../infra/launcher/check.js'
import { CheckpointStore } from '../../stores/postgres/checkpoint-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import type { CheckReport } from '../../domain/check/report.js'
import { eventually } from '../support/eventually.js'
import { CliStack } from './support/stack.js'

let stack: CliStack
/** Outside of the state directory, which is removed before the restore. */
let file: string

beforeAll(async () => {
  stack = await CliStack.create()
  file = `${stack.stateDirectory}.tar.gz`
  await stack.up()
  const commit = await stack.startDataset('bikes')
  await stack.runIn(commit.id, 'succeeded')
  const training = await stack.startTraining('demand', 'bikes', 40)
  await stack.runIn(training.id, 'succeeded')
})

afterAll(async () => {
  await rm(file, { force: true })
  await stack.remove()
})

const codes = (report: CheckReport) => report.problems.map(({ code }) => code)
const checked = async (...flags: string[]) => {
  const { code, stdout } = await stack.mlforge('check', '--json', ...flags)
  return { code, report: JSON.parse(stdout) as CheckReport }
}

describe('check', () => {
  it('finds nothing wrong with a stack that has done its work', async () => {
    const { code, report } = await checked('--deep')
    expect(report.problems).toEqual([])
    expect(report.unreachable).toEqual([])
    expect(code).toBe(0)
    expect(report.datasets).toMatchObject([{ name: 'bikes', versions: [{ version: 1, rows: 17379 }] }])
    expect(report.models).toMatchObject([{ name: 'demand', versions: [{ version: 1, gatePassed: true }] }])
    expect(report.effects.map(({ step, rows }) => [step, rows])).toEqual([
      ['commit', 1],
      ['register', 1],
    ])
    expect(report.runs.map(({ workflow }) => workflow)).toEqual(['COMPLETED', 'COMPLETED'])
    const comparable = JSON.stringify(report.comparable)
    for (const { id } of report.runs) expect(comparable).not.toContain(id)
  })

  it('names an object that is gone, and one whose content changed', async () => {
    const { uri } = await datasetObject()
    const path = join(stack.config.objects.directory, uri)
    await rename(path, `${path}.away`)
    try {
      const { code, report } = await checked()
      expect(code).toBe(1)
      expect(report.problems).toMatchObject([{ code: 'object_missing', at: uri }])
    } finally {
      await rename(`${path}.away`, path)
    }
    const { size } = await stat(path)
    const file = await open(path, 'r+')
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, size >> 1)
    const flip = () => file.write(byte.map(value => value ^ 0xff), 0, 1, size >> 1) // prettier-ignore
    try {
      await flip()
      expect(codes(await checkStack(stack.config))).toEqual([])
      expect(codes(await checkStack(stack.config, { deep: true }))).toEqual(['object_corrupt'])
    } finally {
      await file.write(byte, 0, 1, size >> 1)
      await file.close()
    }
  })

  it('sees an effect that happened twice, and one that never had a step', async () => {
    const { dataSource } = stack
    const columns = `model_id, engine, sha256, artifacts, signature, metrics, gate, parity, lineage, run_id, created_at`
    await dataSource.query('DROP INDEX model_versions_effect_key_index')
    try {
      await dataSource.query(
        `INSERT INTO model_versions (id, version, effect_key, ${columns})
         SELECT gen_random_uuid(), 2, effect_key, ${columns} FROM model_versions`,
      )
      const twice = await checkStack(stack.config)
      expect(codes(twice)).toEqual(['effect_duplicated', 'lineage_missing'])
      expect(twice.effects.find(({ step }) => step === 'register')?.rows).toBe(2)
      await dataSource.query(`UPDATE model_versions SET effect_key = 'nobody/register/g1' WHERE version = 2`)
      expect(codes(await checkStack(stack.config))).toEqual(['effect_without_step', 'lineage_missing'])
    } finally {
      await dataSource.query('DELETE FROM model_versions WHERE version = 2')
      await dataSource.query(
        'CREATE UNIQUE INDEX model_versions_effect_key_index ON model_versions (effect_key)',
      )
    }
    expect(codes(await checkStack(stack.config))).toEqual([])
  })

  it('sees an open row whose workflow was terminated', async () => {
    const run = await stack.startTraining('endless', 'bikes', 50_000, 25_000)
    await stack.runIn(run.id, 'running')
    expect(codes(await checkStack(stack.config))).toEqual([])
    await stack.client.workflow.getHandle(run.workflowId).terminate('a test')
    expect((await checkStack(stack.config)).problems).toMatchObject([{ code: 'run_not_closed', at: run.id }])
    // A row that was written to just now is left to its workflow.
    const repaired = await eventually(async () => {
      const { stdout } = await stack.mlforge('repair')
      expect(stdout).toContain(`closed ${run.id}: its workflow had ended`)
      return stdout
    })
    expect(repaired).toMatch(/Nothing is wrong\.\s*$/)
    expect((await stack.runs.get('default', run.id)).status).toBe('terminated')
  })

  it('says which part it could not reach', async () => {
    const config = { ...stack.config, temporal: { ...stack.config.temporal, address: '127.0.0.1:9' } }
    const report = await checkStack(config)
    expect(report.ok).toBe(false)
    expect(report.unreachable.map(({ part }) => part)).toEqual(['temporal'])
    expect(report.datasets).toHaveLength(1)
  })
})

describe('a backup taken while a training runs', () => {
  it('is restored into a stack that finishes it with the same result', async () => {
    const run = await stack.startTraining('demand', 'bikes', 4000, 200)
    await eventually(async () => {
      expect(await new CheckpointStore(stack.dataSource).list(run.id)).not.toHaveLength(0)
    })
    await leaveLog()
    const written = JSON.parse(await stack.ok('backup', file, '--json')) as { objects: number; bytes: number }
    expect(written.objects).toBeGreaterThan(10)
    const undisturbed = await finished(run.id)
    expect(undisturbed.steps.resumedFromRound).toBe(0)

    const refused = await stack.mlforge('restore', file)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('mlforge clean')

    await stack.disconnect()
    await stack.ok('clean')
    await stack.ok('restore', file)
    await expectLog()
    await stack.up()
    const restored = await finished(run.id)
    expect(restored.steps.resumedFromRound).toBeGreaterThan(0)
    expect(restored.report.problems).toEqual([])
    expect(restored.report.comparable).toEqual(undisturbed.report.comparable)
  })
})

describe('a backup file', () => {
  it('is an archive that tar reads, with the objects under their names', async () => {
    const { stdout } = await promisify(execFile)('tar', ['-tzf', file])
    const names = stdout.trimEnd().split('\n')
    expect(names[0]).toBe('manifest.json')
    expect(names).toEqual(expect.arrayContaining(['keys/admin', 'temporal.db', 'tables/runs.copy']))
    // A replica's plans and models are fetched again.
    expect(names.filter(name => name.startsWith('serving/'))).toEqual([
      'serving/serving-1/replica.json',
      'serving/serving-1/segments/7.sealed',
      'serving/serving-1/segments/7.json',
      'serving/serving-1/segments/8.open',
    ])
    expect(names).toContain(`objects/${(await datasetObject()).uri}`)
  })

  it('that was cut is refused and leaves nothing', async () => {
    const other = await CliStack.create()
    const cut = `${other.stateDirectory}.tar.gz`
    try {
      await copyFile(file, cut)
      await truncate(cut, (await stat(cut)).size - 5000)
      const { code, stderr } = await other.mlforge('restore', cut)
      expect(stderr).toContain('damaged')
      expect(code).toBe(1)
      const left = await readdir(other.stateDirectory)
      expect(left.filter(name => name !== 'lock' && name !== 'processes.json')).toEqual([])
    } finally {
      await rm(cut, { force: true })
      await other.remove()
    }
  })
})

const LOG = {
  'replica.json': '{}',
  'segments/7.sealed': 'seven',
  'segments/7.json': '{}',
  'segments/8.open': 'eight',
}
const logDirectory = () => join(stack.stateDirectory, 'serving', 'serving-1')

/** What a replica has logged and not handed over yet, beside what it can fetch again. */
async function leaveLog(): Promise<void> {
  await mkdir(join(logDirectory(), 'segments'), { recursive: true })
  for (const [name, text] of Object.entries({ ...LOG, 'plans.json': '[]' })) {
    await writeFile(join(logDirectory(), name), text)
  }
}

async function expectLog(): Promise<void> {
  for (const [name, text] of Object.entries(LOG)) {
    expect(await readFile(join(logDirectory(), name), 'utf8')).toBe(text)
  }
}

async function datasetObject(): Promise<{ uri: string }> {
  const rows: { parquet: { uri: string } }[] = await stack.dataSource.query(
    'SELECT parquet FROM dataset_versions',
  )
  return rows[0]!.parquet
}

async function finished(id: string) {
  const { workflowId } = await stack.runIn(id, 'succeeded')
  // Its row is closed first.
  await stack.client.workflow.getHandle(workflowId).result()
  const steps = await new LedgerStore(stack.dataSource).outcome<{ resumedFromRound: number }>({
    runId: id,
    step: 'train',
    generation: 1,
    attempt: 1,
  })
  return { steps: steps!, report: await checkStack(stack.config, { deep: true }) }
}
