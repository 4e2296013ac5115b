import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { CHOSEN_PAIRS, POINT_TITLES } from './points.js'
import { KillBench } from './run-pair.js'

jest.setTimeout(180_000)

describe('SIGKILL of any process at any point', () => {
  let bench: KillBench

  beforeAll(async () => {
    bench = await KillBench.start()
  })
  afterAll(() => bench?.stop())

  it.each(
    CHOSEN_PAIRS.map((pair, serial) => ({ ...pair, title: POINT_TITLES[pair.point], serial: serial + 1 })),
  )('$process at: $title', async ({ point, process, serial }) => {
    const { outcome, detail } = await bench.run({ point, process }, serial)
    expect({ outcome, detail }).toEqual({ outcome: 'equal', detail: expect.any(String) })
  })
})
