import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { publishActivities } from '../../../activities/data/publish.js'
import { endRecordOf, recordEnds } from '../../../activities/data/record-ends.js'
import { SeenObjects } from '../../../activities/data/seen-objects.js'
import { verifyVersions } from '../../../activities/data/verify-objects.js'
import type { Ports } from '../../../activities/ports.js'
import { uuidv7 } from '../../../stores/ids.js'
import type { ObjectStore } from '../../../stores/objects/object-store.js'
import { OBJECT_KINDS, type ObjectKind, objectUri } from '../../../stores/objects/object-uri.js'
import { allObjects, bytesOf } from '../../../stores/objects/whole.js'
import type { EndStore } from '../../../stores/postgres/end-store.js'
import type { Dataset } from '../../../stores/postgres/entities/dataset.js'
import type { VerifyStore } from '../../../stores/postgres/verify-store.js'
import { push, treeOf } from '../../support/data-push.js'
import { Harness, PROJECT } from '../../support/harness.js'
import { tablesWith } from '../../support/tables-with.js'
import { silentLogger } from '../../support/silent-logger.js'

const SECRET = 'Mallory-4711'

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}

describe('a purge while something of the version is written', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start()
  })
  afterAll(() => harness?.stop())
  let dataset = 0

  const query = <T>(sql: string, values: unknown[] = []): Promise<T> =>
    harness.database.dataSource.query(sql, values)
  const objects = () => harness.ports.objects
  const tick = () => harness.tick('superviseData')
  const row = (name: string) => harness.ports.datasets.version(PROJECT, name, 1)

  /** Version 1 has the secret in its rows and its message, and no branch names it. */
  const twice = async () => {
    const name = `people-${++dataset}`
    const made = await harness.commit(name, `name,age\nAnn,30\n${SECRET},${31 + dataset}\n`, {
      message: `of ${SECRET}`,
    })
    expect(await harness.ended(made)).toMatchObject({ status: 'succeeded' })
    await harness.ended(await harness.commit(name, 'name,age\nAnn,30\n'))
    await tick()
    return name
  }
  const purge = async (name: string) => {
    const { datasetId } = await row(name)
    await harness.ports.retention.purge(datasetId, 1, { by: 'key:admin', reason: 'asked for' })
  }
  const commitUri = async (name: string) => objectUri(PROJECT, (await row(name)).commit!, 'commits')

  /** An object store whose first write of a kind waits until it is let go. */
  const held = (kind: ObjectKind) => {
    const [arrived, go] = [gate(), gate()]
    const write = async (...given: Parameters<ObjectStore['write']>) => {
      if (given[2]?.kind === kind) {
        arrived.open()
        await go.opened
      }
      return objects().write(...given)
    }
    const store = Object.assign(Object.create(objects()) as ObjectStore, { write })
    return { store, arrived: arrived.opened, go: go.open }
  }
  const verify = async (name: string, ports: Partial<Ports>) => {
    const runId = uuidv7()
    const { damages } = harness.ports
    const selected = { project: PROJECT, dataset: name, version: 1 }
    const seen = new SeenObjects(damages, runId)
    await verifyVersions({ ...harness.ports, ...ports }, selected, seen, new AbortController().signal)
    return damages.objects(runId)
  }
  const publish = (ports: Partial<Ports>) => {
    const { publishVersions } = publishActivities({
      ...harness.ports,
      ...ports,
      logger: silentLogger as never,
    })
    return new MockActivityEnvironment({}, { logger: silentLogger }).run(() =>
      publishVersions({ project: PROJECT }),
    )
  }
  /** Objects with a text in them, but for packs, which collections remove. */
  const objectsWith = async (secret: string) => {
    const found: string[] = []
    for (const kind of OBJECT_KINDS) {
      if (kind === 'packs') continue
      for await (const { uri } of allObjects(objects(), PROJECT, kind)) {
        if ((await bytesOf(objects(), uri)).includes(secret)) found.push(uri)
      }
    }
    return found
  }
  const left = async () => [
    ...(await objectsWith(SECRET)),
    ...(await tablesWith(harness.database.dataSource, SECRET)),
  ]
  /** It waits for whoever writes, and comes to its end when nobody does. */
  const erasedAfter = async (name: string, writing: Promise<unknown>, go: () => void) => {
    await purge(name)
    await tick()
    expect(await row(name)).toMatchObject({ endRecorded: false, message: `of ${SECRET}` })
    go()
    await writing
    await tick()
    expect(await row(name)).toMatchObject({ endRecorded: true, message: null })
  }

  it('erases the commit that a verification was just writing anew', async () => {
    const name = await twice()
    const uri = await commitUri(name)
    await objects().remove(uri)
    const { store, arrived, go } = held('commits')
    const writing = verify(name, { objects: store })
    await arrived
    await erasedAfter(name, writing, go)
    expect(await objects().size(uri)).toBeNull()
    expect(await left()).toEqual([])
  })

  it.each(['raw', 'parquet'] as const)('erases a table of which it was just writing the %s', async what => {
    const name = await twice()
    const { uri } = (await row(name))[what]!
    await objects().remove(uri)
    const { store, arrived, go } = held('table-data')
    const writing = verify(name, { objects: store })
    await arrived
    await erasedAfter(name, writing, go)
    expect(await objects().size(uri)).toBeNull()
    expect(await left()).toEqual([])
  })

  it('has nothing of it written by a verification that has read its row before', async () => {
    const name = await twice()
    const { raw, parquet } = await row(name)
    const uris = [await commitUri(name), raw!.uri, parquet!.uri]
    const { verify: store } = harness.ports
    let isPurged = false
    const late = Object.assign(Object.create(store) as VerifyStore, {
      versions: async (...given: Parameters<VerifyStore['versions']>) => {
        const found = await store.versions(...given)
        if (isPurged) return found
        isPurged = true
        await purge(name)
        await tick()
        return found
      },
    })
    expect(await verify(name, { verify: late })).toEqual([])
    for (const uri of uris) expect([uri, await objects().size(uri)]).toEqual([uri, null])
    expect(await left()).toEqual([])
  })

  it('erases the commit that a second worker was just publishing', async () => {
    const name = await twice()
    const uri = await commitUri(name)
    await query('UPDATE dataset_versions SET commit = NULL WHERE id = $1', [(await row(name)).id])
    const { store, arrived, go } = held('commits')
    const writing = publish({ objects: store })
    await arrived
    await tick()
    expect(await commitUri(name)).toBe(uri)
    await erasedAfter(name, writing, go)
    expect(await objects().size(uri)).toBeNull()
    expect(await left()).toEqual([])
  })

  it('erases what was just recorded of it when it was retired', async () => {
    const name = await twice()
    await query('UPDATE dataset_versions SET retired_at = now(), end_recorded = false WHERE id = $1', [
      (await row(name)).id,
    ])
    const { store, arrived, go } = held('refs')
    const writing = publish({ objects: store })
    await arrived
    await erasedAfter(name, writing, go)
    expect(await left()).toEqual([])
  })

  it('erases again what was written after the lock of its writer was lost', async () => {
    const name = await twice()
    const uri = await commitUri(name)
    await objects().remove(uri)
    const { store, arrived, go } = held('commits')
    const writing = verify(name, { objects: store })
    await arrived
    // Others may be between two statements of a transaction of theirs.
    const ended: unknown[] = await query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
       WHERE datname = current_database() AND state = 'idle in transaction'
         AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)`,
    )
    expect(ended).toHaveLength(1)
    await purge(name)
    await tick()
    expect(await row(name)).toMatchObject({ endRecorded: true })
    go()
    await expect(writing).rejects.toThrow(/terminat|not queryable|already released/)
    expect(await row(name)).toMatchObject({ endRecorded: false })
    await tick()
    expect(await row(name)).toMatchObject({ endRecorded: true })
    expect(await objects().size(uri)).toBeNull()
    expect(await left()).toEqual([])
  })

  it('erases again what was written while it was being erased, though that comes to its end', async () => {
    const name = await twice()
    const { id } = await row(name)
    await purge(name)
    const { ends } = harness.ports
    // Whoever has lost its lock says so when all has been looked for, and before that is noted.
    const late = Object.assign(Object.create(ends) as EndStore, {
      erase: async (...given: Parameters<EndStore['erase']>) => {
        const isDone = await ends.erase(...given)
        await ends.eraseAgain(id)
        return isDone
      },
    })
    await recordEnds({ ...harness.ports, ends: late }, PROJECT, 100)
    expect(await row(name)).toMatchObject({ endRecorded: false, message: null })
    await tick()
    expect(await row(name)).toMatchObject({ endRecorded: true })
  })

  it('erases a record of its being retired that comes when it is erased already', async () => {
    const name = await twice()
    const { id } = await row(name)
    await query('UPDATE dataset_versions SET retired_at = now(), end_recorded = false WHERE id = $1', [id])
    const retired = Object.assign(await row(name), { dataset: { name } as Dataset })
    const record = await endRecordOf(harness.ports.datasets, retired)
    await tick()
    await purge(name)
    await tick()
    expect(await left()).toEqual([])
    const { uri } = await objects().write(PROJECT, record, { kind: 'refs' })
    expect(await left()).toEqual([uri])
    await harness.ports.ends.eraseAgain(id)
    await tick()
    expect(await left()).toEqual([])
    expect(await row(name)).toMatchObject({ endRecorded: true })
  })

  it('takes the message from the requests of those who have made it, and of no other version', async () => {
    const tree = await treeOf({ 'a.txt': 'some bytes' })
    const other = await treeOf({ 'a.txt': 'other bytes' })
    const message = `of ${SECRET}`
    const runs = [
      await push(harness, 'files', tree, { message }),
      await push(harness, 'files', other, { base: 1, message: 'kept' }),
      // The same files on another branch are another version of the same bytes.
      await push(harness, 'files', tree, { base: null, branch: 'other', message: 'kept too' }),
    ]
    await purge('files')
    await tick()
    const requests = await Promise.all(runs.map(run => harness.row(run)))
    expect(requests.map(({ request }) => (request as { message: unknown }).message)).toEqual([
      null,
      'kept',
      'kept too',
    ])
    expect(requests[0]!.request).toMatchObject({ manifest: tree.manifest, author: 'somebody' })
    expect(await left()).toEqual([])
  })
})
