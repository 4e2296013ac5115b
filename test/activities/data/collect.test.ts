import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { planPacks, repack, sweepRows } from '../../../activities/data/collect.js'
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

  async function addPack(project: string, chunks: readonly Buffer[]): Promise<string> {
    const { objects, catalogue } = bench.ports
    const pack = makePack(
      chunks.map(content => ({ sha256: sha256Hex(content), bytes: content.length, from: { content } })),
    )
    await objects.write(project, pack.content, { kind: 'packs', sha256: pack.sha256 })
    await catalogue.add(project, { ...pack, bytes: pack.content.length }, objects)
    return pack.sha256
  }

  /** A collection that has found some chunks to be needed. */
  async function collecting(project: string, needed: readonly Buffer[]) {
    const runId = uuidv7()
    const { dataSource } = bench.database
    await dataSource.query('INSERT INTO data_epochs (project, epoch) VALUES ($1, 1)', [project])
    await dataSource.query(
      `INSERT INTO data_marks (run_id, sha256, is_node, is_open)
       SELECT $1::uuid, unnest($2::bytea[]), false, false`,
      [runId, needed.map(content => Buffer.from(sha256Hex(content), 'hex'))],
    )
    const plan = await planPacks(bench.ports, { runId, project }, { planId: null, olderThanMs: 0 })
    return { collecting: { runId, project, epoch: '1' }, plan }
  }

  const packsOf = async (project: string): Promise<string[]> => {
    const rows: { sha256: Buffer }[] = await bench.database.dataSource.query(
      'SELECT sha256 FROM data_packs WHERE project = $1 ORDER BY id',
      [project],
    )
    return rows.map(({ sha256 }) => sha256.toString('hex'))
  }

  it('are left as they are where all of their chunks are needed, however small these are', async () => {
    const project = await bench.project()
    const chunks = [chunk(4), chunk(4), chunk(4)]
    await addPack(project, chunks)
    const { plan } = await collecting(project, chunks)
    expect(plan).toMatchObject({ packs: 0, repacks: 0 })
  })

  it('go where they share a chunk that is needed, which is written anew once', async () => {
    const project = await bench.project()
    const needed = chunk(40)
    const old = [
      await addPack(project, [needed, chunk(400)]),
      await addPack(project, [chunk(400), needed]),
      await addPack(project, [chunk(400)]),
    ]
    const { collecting: run, plan } = await collecting(project, [needed])
    expect(plan).toMatchObject({ packs: 1, repacks: 2 })
    await repack(bench.ports, run)
    await bench.ports.sweep.doom(run)
    // Whoever looks for it now finds it in a pack that stays.
    const { missing, packs } = await bench.ports.holds.hold(project, uuidv7(), [sha256Hex(needed)])
    expect([missing, packs.length]).toEqual([[], 1])
    await sweepRows(bench.ports, run, 0)
    const left = await packsOf(project)
    expect(left).toHaveLength(1)
    expect(old).not.toContain(left[0])
  })
})
