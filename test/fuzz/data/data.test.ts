import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { eventually } from '../../support/eventually.js'
import { dataCaseOf } from './case.js'
import { DataBench, type Played } from './data-bench.js'
import { History } from './history.js'
import { SEEDS, SEEDS_IN_BUCKET } from './seeds.js'

/** The case that is damaged below. */
const BROKEN = 3
const FUTURE = new Date('2100-01-01T00:00:00Z')

describe('clients of versioned datasets, killed with processes of the stack while they work', () => {
  let bench: DataBench
  const played = new Map<number, Played>()
  beforeAll(async () => {
    bench = await DataBench.start()
  })
  afterAll(() => bench?.stop())

  const problems = () => bench.compare(played.get(BROKEN)!)
  const version = (number: number) =>
    `version = ${number} AND dataset_id = (SELECT id FROM datasets WHERE name = 'data-${BROKEN}')`

  it('each process is killed, and clients; some switch branches, some begin again; tables come between', () => {
    const cases = [...SEEDS, ...SEEDS_IN_BUCKET].map(dataCaseOf)
    const rounds = cases.flatMap(each => each.rounds)
    const turns = rounds.flatMap(each => each.turns.filter(turn => turn !== null))
    expect(new Set(rounds.flatMap(({ strikes }) => strikes.map(({ victim }) => victim)))).toEqual(
      new Set([
        'api',
        'worker-io',
        'worker-workflows',
        'postgres',
        'temporal',
        'redis',
        'supervisor',
        'client',
      ]),
    )
    expect(new Set(turns.map(({ whenMoved }) => whenMoved))).toEqual(new Set(['switch', 'again']))
    expect(new Set(turns.map(({ commits }) => commits.length))).toEqual(new Set([1, 2]))
    expect(new Set(turns.map(({ fromMain }) => fromMain))).toEqual(new Set([true, false]))
    for (const what of ['table', 'tag', 'pull'] as const)
      expect(rounds.some(each => each[what] !== null)).toBe(true)
  })

  it.each(SEEDS)('seed %i: each version holds what was committed', async seed => {
    const end = await bench.run(dataCaseOf(seed), `data-${seed}`)
    played.set(seed, end)
    expect(end.problems).toEqual([])
    expect(end.struck).not.toEqual([])
  })

  it('a history that is collected while models are trained on it loses nothing that is kept', async () => {
    const { problems: found, did } = await History.play(
      bench.stack,
      { seed: 1, versions: 10, trainings: 4 },
      'history',
    )
    expect({ found, did }).toEqual({
      found: [],
      did: expect.stringMatching(/^10 versions, [3-7] retired, 4/),
    })
  })

  it('the comparison names a manifest whose bytes were changed', async () => {
    const flip = `UPDATE dataset_versions SET manifest = reverse(manifest) WHERE ${version(2)}`
    await bench.stack.query(flip)
    const found = await problems()
    await bench.stack.query(flip)
    expect(found).toContainEqual(
      expect.stringMatching(/^version 2: manifest [0-9a-f]{64} instead of [0-9a-f]{64}$/),
    )
    expect(found).toContainEqual(expect.stringMatching(/^version 2 by its files: .*is in no pack/))
    expect(found).toContainEqual(expect.stringMatching(/^version 2 in an empty directory: /))
    expect(found).toContainEqual(expect.stringMatching(/^the commit of version 2 says /))
  })

  it('the comparison names a version that is gone', async () => {
    const [gone] = await bench.stack.query<{ row: unknown; message: string }>(
      `DELETE FROM dataset_versions v WHERE ${version(2)} RETURNING to_jsonb(v) AS row, message`,
    )
    const found = await problems()
    await bench.stack.query(
      'INSERT INTO dataset_versions SELECT * FROM jsonb_populate_record(NULL::dataset_versions, $1::jsonb)',
      [JSON.stringify(gone!.row)],
    )
    expect(found).toContainEqual(
      expect.stringMatching(/^versions are numbered 1, 3.*: there is no version 2$/),
    )
    expect(found).toContainEqual(`commit "${gone!.message}" became no version instead of one`)
  })

  it('the comparison names a damaged file, and what is left behind', async () => {
    const { roots } = played.get(BROKEN)!
    const { objects } = bench.stack.endpoints()
    const [damaged] = await bench.stack.query<Damaged>(
      `SELECT r.result->>'version' AS version, p.project, encode(p.sha256, 'hex') AS pack,
         encode(c.sha256, 'hex') AS chunk, c."offset"
       FROM runs r JOIN data_push_packs b ON b.run_id = r.id
       JOIN data_packs p ON p.id = b.pack_id JOIN data_chunks c ON c.pack_id = p.id
       WHERE r.name = 'data-${BROKEN}' AND r.status = 'succeeded'
       ORDER BY r.created_at, c.bytes DESC LIMIT 1`,
    )
    const { version: at, project, pack, chunk, offset } = damaged!
    const [object, left] = [join(objects, '.tmp', 'left'), join(roots[0]!, '.mlforge-data', 'tmp')]
    const keep = `UPDATE data_transfers SET released_at = $1 WHERE run_id IN
      (SELECT id FROM runs WHERE name = 'data-${BROKEN}' AND status = 'succeeded')`
    const point = `UPDATE data_refs SET version = version + $1 WHERE name = 'main' AND dataset_id =
      (SELECT id FROM datasets WHERE name = 'data-${BROKEN}')`
    flip(join(objects, objectUri(project, pack, 'packs')), offset)
    writeFileSync(object, '')
    // It does not grow old.
    utimesSync(object, FUTURE, FUTURE)
    mkdirSync(left)
    await bench.stack.query(keep, [null])
    await bench.stack.query(point, [-1])
    const found = await problems()
    flip(join(objects, objectUri(project, pack, 'packs')), offset)
    rmSync(object)
    rmSync(left, { recursive: true })
    await bench.stack.query(keep, [new Date()])
    await bench.stack.query(point, [1])
    expect(found).toContainEqual(
      expect.stringContaining(`version ${at} in an empty directory: Chunk ${chunk}`),
    )
    expect(found).toContainEqual('.tmp/left stays in the object store')
    expect(found).toContainEqual(`tmp stays in ${roots[0]}`)
    expect(found).toContainEqual(expect.stringMatching(/^the transfer of push .* is not released$/))
    expect(found).toContainEqual(expect.stringMatching(/^branch main is at \d+ instead of \d+$/))
    expect(found).toContainEqual(
      expect.stringMatching(/^the last record of branch main is change \d+ to \d+ instead/),
    )
    // Pulls that met with the damage are still there; one that has just ended may be about to be closed.
    await eventually(async () =>
      expect((await problems()).filter(each => !each.startsWith('pull '))).toEqual([]),
    )
  })
})

interface Damaged {
  readonly version: string
  readonly project: string
  readonly pack: string
  readonly chunk: string
  readonly offset: number
}

/** Changes a byte of a file; twice, it is as before. */
function flip(file: string, offset: number): void {
  chmodSync(file, 0o644)
  const fd = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, offset)
  byte[0]! ^= 0xff
  writeSync(fd, byte, 0, 1, offset)
  closeSync(fd)
  chmodSync(file, 0o444)
}
