import { describe, expect, it } from '@jest/globals'
import type { StackFacts } from '../../../domain/check/facts.js'
import { referencedObjects } from '../../../domain/check/references.js'
import { checkSensors } from '../../../domain/check/sensors.js'
import { stack } from './support.js'

const RUN = '00000000-0000-7000-8000-00000000000a'
const URI = `default/sha256/aa/${'a'.repeat(64)}`

/** A sensor with a tick that has its run, one that was refused and one that was skipped. */
function sound(): StackFacts {
  const base = stack('1')
  const tick = { sensorId: 's', incarnation: 1, runId: null, objectUri: null }
  return {
    ...base,
    runs: [{ ...base.runs[0]!, id: RUN, kind: 'pipeline', trigger: 'sensor' }],
    sensors: [{ id: 's', project: 'default', name: 'files', events: 2, eventRows: 2 }],
    sensorTicks: [
      { ...tick, key: 'a', outcome: 'started', runId: RUN, objectUri: URI },
      { ...tick, key: 'b', outcome: 'refused' },
      { ...tick, key: 'c', outcome: 'skipped' },
    ],
  }
}

describe('the check of sensors', () => {
  it('finds nothing wrong where ticks and runs go together', () => {
    expect(checkSensors(sound())).toEqual([])
  })

  it.each<[string, (whole: StackFacts) => Partial<StackFacts>, string, string]>([
    ['a tick whose run is gone', () => ({ runs: [] }), 'tick_without_run', 'sensor default/files, tick 1/a'],
    [
      'a tick whose run somebody else has begun',
      ({ runs }) => ({ runs: runs.map(run => ({ ...run, trigger: 'api' })) }),
      'tick_without_run',
      'sensor default/files, tick 1/a',
    ],
    [
      'a tick that was started without a run',
      ({ sensorTicks }) => ({
        runs: [],
        sensorTicks: sensorTicks.map(tick => ({ ...tick, runId: null })),
      }),
      'tick_without_run',
      'sensor default/files, tick 1/a',
    ],
    [
      'a run without its tick',
      ({ sensorTicks }) => ({ sensorTicks: sensorTicks.slice(1) }),
      'run_without_tick',
      RUN,
    ],
    [
      'an event that is gone',
      ({ sensors }) => ({ sensors: sensors.map(each => ({ ...each, eventRows: 1 })) }),
      'event_gap',
      'sensor default/files',
    ],
  ])('finds %s', (_what, change, code, at) => {
    const facts = { ...sound(), ...change(sound()) }
    expect(checkSensors(facts)).toMatchObject([{ code, at }])
  })

  it('misses no object that a tick has kept', () => {
    expect(referencedObjects(sound()).map(({ uri }) => uri)).toContain(URI)
  })
})
