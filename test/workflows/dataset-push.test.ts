import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { QUEUES } from '../../contracts/temporal/queues.js'
import { decodeCommit, decodeRef } from '../../domain/data/commit.js'
import { findFile } from '../../domain/data/walk.js'
import { acceptPush, type Files, push, seal, sendPack, type Tree, treeOf } from '../support/data-push.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

const FILES: Files = {
  'README.md': 'Hours of bike sharing.\n',
  'images/a.png': randomBytes(300_000),
  'images/b.png': randomBytes(1_000),
  'empty.txt': '',
}

describe('datasetPush', () => {
  let harness: Harness
  let tree: Tree
  beforeAll(async () => {
    harness = await Harness.start()
    tree = await treeOf(FILES)
  })
  afterAll(() => harness?.stop())

  const version = (name: string, number: number | 'latest' = 'latest') =>
    harness.ports.datasets.version(PROJECT, name, number)
  const contentOf = async (manifest: string, path: string) => {
    const { packs } = harness.ports
    const file = await findFile(sha256 => packs.load(PROJECT, sha256), manifest, path)
    const parts: Uint8Array[] = []
    for await (const part of packs.file(PROJECT, file!)) parts.push(part)
    return Buffer.concat(parts)
  }
  const objectsOf = async (kind: 'commits' | 'refs' | 'packs') =>
    harness.ports.objects.list(PROJECT, kind, { limit: 1_000 })
  const bytesOf = async (uri: string) => {
    const size = await harness.ports.objects.size(uri)
    return harness.ports.objects.range(uri, 0, size!)
  }

  it('makes what came the next version, and writes its commit and its branch to the object store', async () => {
    const run = await push(harness, 'files', tree, {
      message: 'the first',
      code: { commit: 'c0ffee', dirty: false },
    })
    expect(run).toMatchObject({
      status: 'succeeded',
      error: null,
      result: { version: 1, root: tree.manifest },
    })
    const made = await version('files')
    expect(made).toMatchObject({
      version: 1,
      branch: 'main',
      root: tree.manifest,
      manifest: tree.manifest,
      files: 4,
      parquet: null,
      author: 'somebody',
      message: 'the first',
      commit: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    for (const path of Object.keys(FILES)) {
      expect(await contentOf(made.manifest!, path)).toEqual(Buffer.from(FILES[path]!))
    }
    const commit = decodeCommit(
      await bytesOf(`${PROJECT}/commits/${made.commit!.slice(0, 2)}/${made.commit}`),
    )
    expect(commit).toMatchObject({
      dataset: 'files',
      version: 1,
      parents: [],
      manifest: tree.manifest,
      code: { commit: 'c0ffee', dirty: false },
      table: null,
    })
    const [ref] = await objectsOf('refs')
    expect(decodeRef(await bytesOf(ref!.uri))).toMatchObject({
      name: 'main',
      kind: 'branch',
      version: 1,
      sequence: 1,
    })
    await record(harness.client, run.workflowId, 'datasetPush.succeeded')
  })

  it('finds the same content again, and sends none of it twice', async () => {
    const { catalogue } = harness.ports
    const all = tree.packs.flatMap(pack => pack.chunks.map(({ sha256 }) => sha256))
    expect(await catalogue.missing(PROJECT, all, null)).toEqual([])
    const run = await acceptPush(harness, 'files', tree, { base: 1 })
    await seal(harness, run)
    const ended = await harness.ended(run)
    expect(ended).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expect((await version('files')).version).toBe(1)
  })

  it('adds what has changed to what is there', async () => {
    const next = await treeOf({ ...FILES, 'more.txt': 'more' })
    const { catalogue } = harness.ports
    const all = next.packs.flatMap(pack => pack.chunks.map(({ sha256 }) => sha256))
    // The new file, and the nodes from it to the root.
    expect((await catalogue.missing(PROJECT, all, null)).length).toBe(2)
    const run = await push(harness, 'files', next, { base: 1 })
    expect(run).toMatchObject({ status: 'succeeded', result: { version: 2 } })
    const made = await version('files')
    expect(made).toMatchObject({ version: 2, parentVersions: [1], parents: [tree.manifest] })
    const commit = decodeCommit(
      await bytesOf(`${PROJECT}/commits/${made.commit!.slice(0, 2)}/${made.commit}`),
    )
    expect(commit.parents).toEqual([(await version('files', 1)).commit])
  })

  it('refuses what was made from another version than the branch is at', async () => {
    const other = await treeOf({ 'README.md': 'Another one.\n' })
    const run = await push(harness, 'files', other, { base: 1 })
    expect(run).toMatchObject({
      status: 'refused',
      error: { code: 'branch_moved', message: expect.stringContaining('is at version 2 by now') },
    })
    expect((await version('files')).version).toBe(2)
    expect((await harness.ports.transfers.get(run.id)).releasedAt).not.toBeNull()
    await record(harness.client, run.workflowId, 'datasetPush.refused')

    const aside = await push(harness, 'files', other, { base: 1, branch: 'aside' })
    expect(aside).toMatchObject({ status: 'succeeded', result: { version: 3 } })
    expect(await version('files', 3)).toMatchObject({ branch: 'aside', parentVersions: [1] })
    expect((await version('files')).version).toBe(2)
  })

  it('refuses a version whose files did not all come', async () => {
    const lost = await treeOf({ 'lost.bin': randomBytes(200_000) })
    const run = await acceptPush(harness, 'lost', lost)
    await seal(harness, run)
    const ended = await harness.ended(run)
    expect(ended).toMatchObject({ status: 'refused', error: { code: 'chunks_missing' } })
    await expect(version('lost')).rejects.toThrow('There is no dataset "lost"')
  })

  it('refuses a pack whose chunks are not what its index says, and forgets it', async () => {
    const whole = await treeOf({ 'whole.bin': randomBytes(50_000) })
    const [pack] = whole.packs
    const content = Uint8Array.from(pack!.content)
    content[100]! ^= 1
    const { sha256 } = await harness.ports.objects.write(PROJECT, content, { kind: 'packs' })
    const run = await acceptPush(harness, 'damaged', whole)
    await sendPack(harness, run, { ...pack!, content, sha256 })
    await seal(harness, run)
    const ended = await harness.ended(run)
    expect(ended).toMatchObject({ status: 'refused', error: { code: 'version_invalid' } })
    const chunks = pack!.chunks.map(each => each.sha256)
    expect(await harness.ports.catalogue.missing(PROJECT, chunks, run.id)).toEqual(chunks)
  })

  it('takes up packs that came before its worker died', async () => {
    const { catalogue, ledger } = harness.ports
    const more = await treeOf({ 'more.bin': randomBytes(400_000) })
    const run = await acceptPush(harness, 'resumed', more)
    for (const pack of more.packs) await sendPack(harness, run, pack)
    await eventually(async () => expect(await catalogue.countUnverified(run.id)).toBe(0))
    expect(
      await catalogue.missing(
        PROJECT,
        more.packs[0]!.chunks.map(({ sha256 }) => sha256),
        null,
      ),
    ).toEqual([])
    expect(await ledger.steps(run.id)).toEqual([])
    await seal(harness, run)
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
  })

  it('ends when it is cancelled, and its version never comes', async () => {
    const other = await treeOf({ 'other.bin': randomBytes(1_000) })
    const run = await acceptPush(harness, 'cancelled', other)
    await harness.until(run, ({ status }) => expect(status).toBe('running'))
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    expect(await harness.ended(run)).toMatchObject({ status: 'cancelled' })
    expect((await harness.ports.transfers.get(run.id)).releasedAt).not.toBeNull()
    await expect(version('cancelled')).rejects.toThrow('There is no dataset')
    await record(harness.client, run.workflowId, 'datasetPush.cancelled')
  })

  it('is cancelled though the worker that is to stop for it is gone', async () => {
    const own = await Harness.start({ queues: ['workflows', 'watch'] })
    try {
      const io = await own.work('io')
      const run = await acceptPush(own, 'gone', await treeOf({ 'gone.bin': randomBytes(1_000) }))
      const { workflow, workflowService } = own.client
      const handle = workflow.getHandle(run.workflowId)
      await eventually(async () => {
        const { pendingActivities } = (await handle.describe()).raw
        expect(pendingActivities).toMatchObject([{ activityType: { name: 'awaitTransfer' } }])
      })
      await io.stop()
      await seal(own, run)
      // Taken by a worker that is never heard of again.
      const { namespace } = own.config.temporal
      const taken = { namespace, taskQueue: { name: QUEUES.io }, identity: 'gone' }
      const task = await own.client.withDeadline(Date.now() + 60_000, () =>
        workflowService.pollActivityTaskQueue(taken),
      )
      expect(task.activityType).toMatchObject({ name: 'receive' })
      await handle.cancel()
      await own.work('io')
      expect(await own.ended(run)).toMatchObject({ status: 'cancelled' })
      expect((await handle.describe()).status.name).toBe('CANCELLED')
    } finally {
      await own.stop()
    }
  })

  it('keeps what came for a run that is started again', async () => {
    const { runs, transfers } = harness.ports
    const run = await acceptPush(harness, 'again', await treeOf({ 'again.bin': randomBytes(1_000) }))
    await harness.until(run, ({ status }) => expect(status).toBe('running'))
    await harness.client.workflow.getHandle(run.workflowId).cancel()
    await harness.ended(run)
    expect((await transfers.get(run.id)).releasedAt).not.toBeNull()
    await runs.retry(PROJECT, run.id)
    expect((await transfers.get(run.id)).releasedAt).toBeNull()
    await seal(harness, run)
    // It goes on where it was: nothing has come.
    expect(await harness.ended(run)).toMatchObject({ attempt: 2, error: { code: 'chunks_missing' } })
    expect((await transfers.get(run.id)).releasedAt).not.toBeNull()
  })

  it('puts the bytes of a table into packs when it is committed', async () => {
    const csv = 'day,count\n1,10\n2,20\n'
    const run = await harness.ended(await harness.commit('table', csv))
    expect(run).toMatchObject({ status: 'succeeded', error: null })
    const made = await version('table')
    expect(made).toMatchObject({ files: 1, bytes: String(csv.length), rows: '2' })
    expect(String(await contentOf(made.manifest!, 'raw.csv'))).toBe(csv)
    const commit = decodeCommit(
      await bytesOf(`${PROJECT}/commits/${made.commit!.slice(0, 2)}/${made.commit}`),
    )
    expect(commit.table).toMatchObject({
      root: made.root,
      rows: 2,
      parquet: { sha256: made.parquet!.sha256 },
    })
  })

  it('reads a table that comes after files by itself, as they have no schema', async () => {
    await push(harness, 'mixed', tree)
    const run = await harness.ended(await harness.commit('mixed', 'day,count\n1,10\n'))
    expect(run).toMatchObject({ status: 'succeeded', error: null, result: { version: 2 } })
    expect(await version('mixed')).toMatchObject({ rows: '1', files: 1, parentVersions: [1] })
    const files = await push(harness, 'mixed', tree, { base: 2 })
    expect(files).toMatchObject({ status: 'succeeded', result: { version: 3 } })
    const again = await harness.ended(await harness.commit('mixed', 'other\n1.5\n'))
    expect(again).toMatchObject({ status: 'succeeded', error: null, result: { version: 4 } })
  })

  it('takes versions on that are from before', async () => {
    const { dataSource } = harness.database
    await dataSource.query(
      `UPDATE dataset_versions SET manifest = NULL, files = NULL, bytes = NULL, commit = NULL
       WHERE dataset_id = (SELECT id FROM datasets WHERE name = 'table')`,
    )
    const workflowId = `${PROJECT}/system/superviseData/adoption`
    await harness.tick('superviseData', workflowId)
    const made = await version('table')
    expect(String(await contentOf(made.manifest!, 'raw.csv'))).toBe('day,count\n1,10\n2,20\n')
    expect(made.commit).toMatch(/^[0-9a-f]{64}$/)
    await record(harness.client, workflowId, 'superviseData.succeeded')
  })

  it('publishes what comes behind many that cannot be', async () => {
    const { dataSource } = harness.database
    await dataSource.query(
      `INSERT INTO datasets (id, project, name, created_at) VALUES ('00000000-0000-7000-8000-000000000001', $1, 'broken', now())`,
      [PROJECT],
    )
    // Of a release before there were commits, and the bytes of all of them are gone.
    await dataSource.query(
      `INSERT INTO dataset_versions
       SELECT (jsonb_populate_record(v, jsonb_build_object(
         'id', gen_random_uuid(), 'dataset_id', '00000000-0000-7000-8000-000000000001', 'version', n,
         'parent_versions', '{}'::int[], 'manifest', NULL, 'files', NULL, 'bytes', NULL, 'commit', NULL,
         'effect_key', 'broken/' || n,
         'raw', jsonb_build_object('uri', $1 || '/sha256/ab/' || repeat('ab', 32), 'sha256', repeat('ab', 32), 'bytes', 1)
       ))).*
       FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id AND d.name = 'table', generate_series(1, 120) n`,
      [PROJECT],
    )
    await dataSource.query(
      `UPDATE dataset_versions SET commit = NULL WHERE dataset_id = (SELECT id FROM datasets WHERE name = 'table')`,
    )
    await harness.tick('superviseData')
    expect((await version('table')).commit).toMatch(/^[0-9a-f]{64}$/)
    expect((await version('broken', 1)).commit).toBeNull()
  })
})
