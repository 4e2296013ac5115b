import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { planPacks } from '../../../activities/data/collect.js'
import { makePack } from '../../../packing/make-pack.js'
import { sha256Hex, uuidv7 } from '../../../stores/ids.js'
import { Interleaving } from './interleaving.js'

describe('packs that a collection finds', () => {
  let bench: Interleaving
  beforeAll(async () => {
    bench = await Interleaving.start()
  })
  afterAll(() => bench?.stop())

  const chunk = (bytes: number): Buffer => randomBytes(bytes)

  async function addPack(project: string, chunks: readonly Buffer[]): Promise<void> {
    const { objects, catalogue } = bench.ports
    const pack = makePack(
      chunks.map(content => ({ sha256: sha256Hex(content), bytes: content.length, from: { content } })),
    )
    await objects.write(project, pack.content, { kind: 'packs', sha256: pack.sha256 })
    await catalogue.add(project, { ...pack, bytes: pack.content.length }, objects)
  }

  /** A collection that has found some chunks to be needed. */
  async function planFor(project: string, needed: readonly Buffer[]) {
    const runId = uuidv7()
    const { dataSource } = bench.database
    await dataSource.query(
      `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
       SELECT $1::uuid, unnest($2::bytea[]), false, false`,
      [runId, needed.map(content => Buffer.from(sha256Hex(content), 'hex'))],
    )
    return planPacks(bench.ports, { runId, project }, { planId: null, olderThanMs: 0 })
  }

  it('are left as they are where all of their chunks are needed, however small these are', async () => {
    const project = await bench.project()
    const chunks = [chunk(4), chunk(4), chunk(4)]
    await addPack(project, chunks)
    expect(await planFor(project, chunks)).toMatchObject({ packs: 0, repacks: 0 })
  })
})
