import { describe, expect, it } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateXgboostParameters } from '../../domain/training/xgboost-parameters.js'
import type { Matrix } from '../../trainers/trainer.js'
import { Booster } from '../../trainers/xgboost/booster.js'
import { loadXgboost, XGBOOST_VERSION } from '../../trainers/xgboost/library.js'
import { XgboostTrainer } from '../../trainers/xgboost/xgboost-trainer.js'
import { LIBRARY, temporaryDirectory } from './support.js'

const ROWS = 400
const FEATURES = ['a', 'b', 'with space'] as const
const { parameters } = validateXgboostParameters({ eta: 0.3, subsample: 0.7, seed: 5 }, { exactResume: true })

const matrix: Matrix = {
  values: Float32Array.from({ length: ROWS * 3 }, (_, index) => (index * 7919) % 101),
  rows: ROWS,
  columns: 3,
}
const labels = Float32Array.from({ length: ROWS }, (_, row) => matrix.values[row * 3]! * 2 + (row % 3))

function started(): XgboostTrainer {
  const trainer = new XgboostTrainer(LIBRARY)
  trainer.init({ matrix, labels, features: FEATURES }, parameters)
  return trainer
}

describe('the XGBoost trainer', () => {
  it('counts its rounds, learns, and says which features carry the model', () => {
    const trainer = started()
    expect(trainer.engine).toBe(`xgboost ${XGBOOST_VERSION}`)
    expect(trainer.round).toBe(0)
    trainer.step()
    const first = trainer.trainRmse()
    for (let round = 1; round < 30; round++) trainer.step()
    expect(trainer.round).toBe(30)
    expect(trainer.trainRmse()).toBeLessThan(first / 5)
    const importance = trainer.featureImportance()
    expect(Object.keys(importance)).toEqual([...FEATURES])
    expect(importance.a).toBeGreaterThan(importance.b! + importance['with space']!)
    trainer.close()
  })

  it('saves a model that predicts the same, in both formats, and knows its features', () => {
    const trainer = started()
    for (let round = 0; round < 10; round++) trainer.step()
    const predictions = trainer.predict(matrix)
    for (const format of ['ubj', 'json'] as const) {
      const booster = Booster.load(loadXgboost(LIBRARY), trainer.exportModel(format))
      expect(booster.predict(matrix)).toEqual(predictions)
      booster.close()
    }
    const json = JSON.parse(trainer.exportModel('json').toString()) as {
      learner: { feature_names: string[] }
    }
    expect(json.learner.feature_names).toEqual([...FEATURES])
    trainer.close()
  })

  it('goes back to a checkpoint as often as asked, and on to the same bytes', () => {
    const trainer = started()
    for (let round = 0; round < 10; round++) trainer.step()
    const checkpoint = trainer.checkpoint()
    const ends = [0, 1].map(() => {
      trainer.restore(checkpoint)
      expect(trainer.round).toBe(10)
      for (let round = 0; round < 10; round++) trainer.step()
      return trainer.exportModel('ubj').toString('base64')
    })
    expect(ends[0]).toBe(ends[1])
    trainer.close()
  })

  it('gives its native memory back', () => {
    const rows = 20_000
    const large = {
      matrix: { values: new Float32Array(rows * 3).fill(1), rows, columns: 3 },
      features: FEATURES,
    }
    const train = (): void => {
      const trainer = new XgboostTrainer(LIBRARY)
      trainer.init({ ...large, labels: new Float32Array(rows).fill(1) }, parameters)
      trainer.step()
      trainer.checkpoint()
      trainer.close()
      trainer.close()
    }
    for (let run = 0; run < 20; run++) train()
    const before = process.memoryUsage.rss()
    for (let run = 0; run < 400; run++) train()
    // 400 matrices or boosters that leak are more than 120 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(60e6)
  })

  it('cannot be used before its data or after its end', () => {
    const trainer = new XgboostTrainer(LIBRARY)
    expect(() => trainer.step()).toThrow(/before init/)
    trainer.init({ matrix, labels, features: FEATURES }, parameters)
    trainer.close()
    expect(() => trainer.step()).toThrow(expect.objectContaining({ code: 'internal' }))
  })

  it('refuses labels that do not fit the rows, in the words of the engine', () => {
    const trainer = new XgboostTrainer(LIBRARY)
    expect(() => {
      trainer.init({ matrix, labels: labels.slice(1), features: FEATURES }, parameters)
      trainer.step()
    }).toThrow(expect.objectContaining({ code: 'trainer_failed' }))
    trainer.close()
  })

  it('is bound once for each path, and not at all where the library is missing or broken', async () => {
    expect(loadXgboost(LIBRARY)).toBe(loadXgboost(LIBRARY))
    expect(() => loadXgboost('/nowhere/libxgboost.so')).toThrow(
      expect.objectContaining({ code: 'engine_missing' }),
    )
    const { path, remove } = await temporaryDirectory()
    const text = join(path, 'libxgboost.so')
    writeFileSync(text, 'no library')
    expect(() => loadXgboost(text)).toThrow(/cannot be loaded.*engines install/)
    await remove()
  })
})
