import { MlforgeError } from '../domain/errors.js'
import { fillValues } from '../domain/serving/row-features.js'
import type { Lane, SessionPool } from '../inference/session-pool.js'
import type { LoadedVersion } from './plans/served-plan.js'
import type { Row } from './rows.js'

/** One number for each row by the version that was chosen for it, in their order. */
export async function scoreRows(pool: SessionPool, rows: readonly Row[]): Promise<Float32Array> {
  const first = rows[0]!.loaded
  if (rows.every(row => row.loaded === first)) return scoreBy(pool, first, rows, 'answers')
  const places = new Map<LoadedVersion, number[]>()
  for (const [index, { loaded }] of rows.entries()) {
    const known = places.get(loaded)
    if (known) known.push(index)
    else places.set(loaded, [index])
  }
  const values = new Float32Array(rows.length)
  await Promise.all(
    [...places].map(async ([loaded, indices]) => {
      const members = indices.map(index => rows[index]!)
      const scored = await scoreBy(pool, loaded, members, 'answers')
      for (const [i, index] of indices.entries()) values[index] = scored[i]!
    }),
  )
  return values
}

/** @throws MlforgeError internal where a model gives no finite number, timed_out, unavailable */
export async function scoreBy(
  pool: SessionPool,
  { signature, session, version }: LoadedVersion,
  rows: readonly Row[],
  lane: Lane,
): Promise<Float32Array> {
  const columns = signature.features.length
  const values = new Float32Array(rows.length * columns)
  for (let i = 0; i < rows.length; i++) fillValues(signature, rows[i]!.features, values, i * columns)
  const scored = await pool.run(session, values, rows.length, lane)
  for (const value of scored) {
    if (!Number.isFinite(value)) {
      throw new MlforgeError(
        'internal',
        `Version ${version} gave ${value} for a row, which is no prediction.`,
      )
    }
  }
  return scored
}
