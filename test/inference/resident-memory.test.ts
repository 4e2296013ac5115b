import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { residentBytes } from '../../inference/resident-memory.js'
import { writeOnnxModel } from '../../trainers/onnx/write-model.js'
import { SIGNATURE, smallModel } from '../serving/support/models.js'

const NEVER = new AbortController().signal

/** So many trees of one split. */
function forest(trees: number): Uint8Array {
  const each = <T>(of: (tree: number) => T[]) => Array.from({ length: trees }, (_, tree) => of(tree)).flat()
  return writeOnnxModel(
    {
      treeIds: each(tree => [tree, tree, tree]),
      nodeIds: each(() => [0, 1, 2]),
      featureIds: each(() => [0, 0, 0]),
      modes: each(() => ['BRANCH_LT', 'LEAF', 'LEAF'] as ('BRANCH_LT' | 'LEAF')[]),
      thresholds: each(() => [0.5, 0, 0]),
      trueIds: each(() => [1, 0, 0]),
      falseIds: each(() => [2, 0, 0]),
      missingTracksTrue: each(() => [0, 0, 0]),
      leafTreeIds: each(tree => [tree, tree]),
      leafNodeIds: each(() => [1, 2]),
      leafWeights: each(() => [1, 2]),
    },
    SIGNATURE,
  )
}

describe('the memory that a model keeps', () => {
  let directory: string
  const file = async (name: string, content: Uint8Array | string) => {
    const path = join(directory, name)
    await writeFile(path, content)
    return path
  }
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-memory-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('grows by more than its file, beside what the runtime itself keeps', async () => {
    const large = await file('large.onnx', forest(100_000))
    const { size } = await stat(large)
    const small = await residentBytes(await file('small.onnx', smallModel(1)), 3, NEVER)
    expect(small).toBeGreaterThan(0)
    expect(await residentBytes(large, 3, NEVER)).toBeGreaterThan(small! + size)
  })

  it('is not known of what is no model', async () => {
    expect(await residentBytes(await file('broken.onnx', 'no model'), 3, NEVER)).toBeNull()
  })

  it('is given up when nobody wants to know any more', async () => {
    const path = await file('one.onnx', smallModel(1))
    await expect(residentBytes(path, 3, AbortSignal.abort())).rejects.toThrow(/abort/i)
  })
})
