import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OnnxSession } from '../../inference/onnx-session.js'
import { measureParity } from '../../trainers/child/export.js'
import { xgboostToOnnx } from '../../trainers/onnx/xgboost-to-onnx.js'
import type { ExportJob } from '../../trainers/protocol.js'
import { runJob } from '../../trainers/runner.js'
import { Booster } from '../../trainers/xgboost/booster.js'
import { loadXgboost } from '../../trainers/xgboost/library.js'
import { python } from '../support/python.js'
import { LIBRARY, SIGNATURE, temporaryDirectory, trainJob, writeBikeRows } from './support.js'

let root: string
let remove: () => Promise<void>
let job: ExportJob

/** Gaps in three features, so that the default direction of splits is used. */
const GAPS = `* REPLACE (
  CASE WHEN instant % 5 = 0 THEN NULL ELSE temp END AS temp,
  CASE WHEN instant % 7 = 0 THEN NULL ELSE hr END AS hr,
  CASE WHEN instant % 11 = 0 THEN 'nan'::DOUBLE ELSE hum END AS hum)`

beforeAll(async () => {
  ;({ path: root, remove } = await temporaryDirectory())
  const train = join(root, 'train.parquet')
  const holdout = join(root, 'holdout.parquet')
  await writeBikeRows(train, 'yr = 0 AND mnth <= 8', GAPS)
  await writeBikeRows(holdout, 'yr = 0 AND mnth BETWEEN 9 AND 10', GAPS)
  const { model } = await runJob(trainJob(root, train, { rounds: 500, checkpointEvery: 0 }), {
    scratch: root,
  })
  job = {
    kind: 'export',
    library: LIBRARY,
    model: { file: model.file, signature: SIGNATURE },
    holdout,
    directory: root,
  }
})
afterAll(() => remove())

const modelJson = async (): Promise<Buffer> => {
  const booster = Booster.load(loadXgboost(LIBRARY), await readFile(job.model.file))
  try {
    return booster.save('json')
  } finally {
    booster.close()
  }
}

describe('the ONNX export', () => {
  it('equals the engine on every holdout row, gaps included, and has the same bytes each time', async () => {
    const first = await runJob(job, { scratch: root })
    expect(first.parity).toMatchObject({ rows: 1460, passed: true })
    expect(first.parity.maxDifference).toBeLessThanOrEqual(first.parity.tolerance)
    expect(first.parity.tolerance).toBeGreaterThan(0)
    const again = join(root, 'again')
    await mkdir(again)
    const second = await runJob({ ...job, directory: again }, { scratch: again })
    expect(second.onnx.sha256).toBe(first.onnx.sha256)
  })

  it('does not depend on how the model is cut into parts', async () => {
    const { onnx } = await runJob(job, { scratch: root })
    const whole = xgboostToOnnx([await modelJson()], SIGNATURE)
    expect(Buffer.compare(await readFile(onnx.file), whole)).toBe(0)
  })

  it.each<[string, (tree: Tree) => void]>([
    ['a threshold moved', tree => (tree.split_conditions[0] = tree.split_conditions[0]! + 1)],
    [
      'children exchanged',
      tree => ([tree.left_children, tree.right_children] = [tree.right_children, tree.left_children]),
    ],
    [
      'missing values sent the other way',
      tree => (tree.default_left = tree.default_left.map(left => 1 - left)),
    ],
    ['one leaf off by 0.01', tree => addToLeaves(tree, 0.01)],
  ])('is caught by the parity check with %s in one tree of 500', async (_, corrupt) => {
    const model = JSON.parse((await modelJson()).toString()) as ModelJson
    corrupt(model.learner.gradient_booster.model.trees[0]!)
    const file = join(root, 'corrupt.onnx')
    await writeFile(file, xgboostToOnnx([Buffer.from(JSON.stringify(model))], SIGNATURE))
    const verdict = await measureParity(job, file)
    expect(verdict.passed).toBe(false)
    expect(verdict.worstRow).not.toBeNull()
  })

  it('refuses a file that is no model', async () => {
    const file = join(root, 'noise.onnx')
    await writeFile(file, 'noise')
    await expect(measureParity(job, file)).rejects.toMatchObject({ code: 'object_corrupt' })
  })

  it('refuses what it cannot express exactly', async () => {
    const model = JSON.parse((await modelJson()).toString()) as ModelJson
    const dart = structuredClone(model)
    dart.learner.gradient_booster.name = 'dart'
    const logistic = structuredClone(model)
    logistic.learner.objective.name = 'binary:logistic'
    for (const other of [dart, logistic]) {
      expect(() => xgboostToOnnx([Buffer.from(JSON.stringify(other))], SIGNATURE)).toThrow(/does not know/)
    }
    const narrow = { ...SIGNATURE, features: SIGNATURE.features.slice(1) }
    expect(() => xgboostToOnnx([Buffer.from(JSON.stringify(model))], narrow)).toThrow(/12 features.*11/)
  })

  it('cuts predictions to the bounds of the signature, in the file itself', async () => {
    const file = join(root, 'bounded.onnx')
    const signature = { ...SIGNATURE, output: { name: 'bikes', clip: { min: 60, max: 250 } } }
    await writeFile(file, xgboostToOnnx([await modelJson()], signature))
    const session = await OnnxSession.load(file)
    const rows = 24
    const values = Float32Array.from({ length: rows * 12 }, (__, index) =>
      index % 12 === 3 ? Math.floor(index / 12) : 0.5,
    )
    const predictions = [...(await session.predict(values, rows))]
    await session.close()
    expect(Math.min(...predictions)).toBe(60)
    expect(Math.max(...predictions)).toBe(250)
    expect(predictions.some(value => value > 60 && value < 250)).toBe(true)
  })
})

describe('the files, read by the official Python packages', () => {
  it('give the predictions that were measured', async () => {
    const directory = join(root, 'python')
    await mkdir(directory)
    const { onnx } = await runJob({ ...job, directory }, { scratch: directory })
    const { predictions, metrics } = await runJob(
      {
        kind: 'evaluate',
        library: LIBRARY,
        model: job.model,
        holdout: job.holdout,
        train: join(root, 'train.parquet'),
        baselineColumns: ['hr', 'workingday'],
        keyColumns: ['dteday', 'hr'],
        directory,
      },
      { scratch: directory },
    )
    const seen = await python<PythonFindings>(
      COMPARE,
      job.model.file,
      onnx.file,
      job.holdout,
      predictions.file,
      SIGNATURE.features.map(feature => feature.name).join(','),
    )
    expect(seen).toEqual({
      columns: ['dteday', 'hr', 'y', 'prediction', 'baseline'],
      rows: 1460,
      featureNames: SIGNATURE.features.map(feature => feature.name),
      engineDifference: 0,
      onnxDifference: expect.any(Number),
      rmse: expect.any(Number),
      keysEqual: true,
    })
    // The runtime there is of another version than ours.
    expect(seen.onnxDifference).toBeLessThan(1e-3)
    expect(seen.rmse).toBeCloseTo(metrics.model.rmse, 9)
  })
})

interface Tree {
  split_conditions: number[]
  left_children: number[]
  right_children: number[]
  default_left: number[]
}

interface ModelJson {
  learner: { objective: { name: string }; gradient_booster: { name: string; model: { trees: Tree[] } } }
}

interface PythonFindings {
  columns: string[]
  rows: number
  featureNames: string[]
  engineDifference: number
  onnxDifference: number
  rmse: number
  keysEqual: boolean
}

function addToLeaves(tree: Tree, amount: number): void {
  const leaf = tree.left_children.indexOf(-1)
  // The most visited leaf cannot be known from the tree alone, so all of them move.
  expect(leaf).toBeGreaterThanOrEqual(0)
  tree.split_conditions = tree.split_conditions.map((value, node) =>
    tree.left_children[node] === -1 ? value + amount : value,
  )
}

const COMPARE = `
import json, sys
import numpy as np, onnxruntime, pyarrow.parquet as pq, xgboost
model, onnx, holdout, predictions, features = sys.argv[1:]
features = features.split(',')
table = pq.read_table(holdout)
ours = pq.read_table(predictions)
x = np.column_stack([table[f].cast('float64').to_numpy(zero_copy_only=False) for f in features]).astype(np.float32)
booster = xgboost.Booster(model_file=model)
engine = np.maximum(booster.predict(xgboost.DMatrix(x, feature_names=features)), 0)
session = onnxruntime.InferenceSession(onnx, providers=['CPUExecutionProvider'])
scored = session.run(['prediction'], {'features': x})[0][:, 0]
p = ours['prediction'].to_numpy(); y = ours['y'].to_numpy()
print(json.dumps(dict(
  columns=ours.column_names, rows=ours.num_rows, featureNames=booster.feature_names,
  engineDifference=float(np.abs(engine.astype(np.float64) - p).max()),
  onnxDifference=float(np.abs(scored.astype(np.float64) - p).max()),
  rmse=float(np.sqrt(np.mean((y - engine.astype(np.float64)) ** 2))),
  keysEqual=ours['dteday'].equals(table['dteday']) and ours['hr'].equals(table['hr']))))
`
