import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { largeFile, MEMORY_LIMIT_BYTES } from '../../../bench/data/memory.js'
import { mlforgeData } from '../../../bench/data/tools.js'
import { TestApi } from '../../api/support/api.js'
import { Harness } from '../../support/harness.js'

/** With what a process has before it begins, as much as it may have: one that reads the file whole has more. */
const FILE_BYTES = 256 * 2 ** 20

describe('the memory of a client', () => {
  let harness: Harness
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-memory-'))
    harness = await Harness.start()
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it('is bounded, whatever the size of a file; make soak SUITE=memory has 2 GiB, and looks at API and workers', async () => {
    const tool = mlforgeData(api.url, 'mlf_operator', () => 'large')
    const measured = await largeFile(tool, directory, FILE_BYTES)
    for (const [verb, { peakBytes }] of Object.entries(measured)) {
      expect([verb, peakBytes > 40e6, peakBytes < MEMORY_LIMIT_BYTES]).toEqual([verb, true, true])
    }
  })
})
