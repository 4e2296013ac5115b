import { describe, expect, it } from '@jest/globals'
import { checkAssets } from '../../../domain/check/assets.js'
import type { StackFacts } from '../../../domain/check/facts.js'
import { stack } from './support.js'

const BACKFILL = '00000000-0000-7000-8000-00000000000a'
const RUN = '00000000-0000-7000-8000-00000000000b'

/** A backfill of one partition that ended well. */
function sound(): StackFacts {
  const base = stack('1')
  const run = base.runs[0]!
  return {
    ...base,
    runs: [
      { ...run, id: BACKFILL, kind: 'backfill' },
      { ...run, id: RUN, kind: 'pipeline' },
    ],
    materialisations: [{ runId: RUN, asset: 'a', partition: 'p', backfillId: BACKFILL }],
    backfillItems: [
      { runId: BACKFILL, position: 0, asset: 'a', partition: 'p', state: 'succeeded', child: RUN },
    ],
  }
}

describe('the check of assets', () => {
  it('finds nothing wrong with a backfill that ended well', () => {
    expect(checkAssets(sound())).toEqual([])
  })

  it.each<[string, (whole: StackFacts) => StackFacts, string[]]>([
    ['nothing written', whole => ({ ...whole, materialisations: [] }), ['materialisation_missing']],
    [
      'something else written',
      whole => ({ ...whole, materialisations: [{ ...whole.materialisations[0]!, partition: 'q' }] }),
      ['materialisation_missing'],
    ],
    [
      'no partition made by what is written',
      whole => ({ ...whole, backfillItems: [] }),
      ['materialisation_without_run'],
    ],
    [
      'two partitions made by one run',
      whole => ({
        ...whole,
        backfillItems: [...whole.backfillItems, { ...whole.backfillItems[0]!, position: 1 }],
      }),
      ['materialisation_without_run'],
    ],
    [
      'a run that is not there',
      whole => ({ ...whole, runs: whole.runs.slice(0, 1) }),
      ['materialisation_without_run'],
    ],
    [
      'a run that failed',
      whole => ({
        ...whole,
        runs: whole.runs.map(run => (run.id === RUN ? { ...run, status: 'failed' as const } : run)),
      }),
      ['materialisation_without_run'],
    ],
    [
      'one at work after the end',
      whole => ({
        ...whole,
        materialisations: [],
        backfillItems: [{ ...whole.backfillItems[0]!, state: 'running' as const }],
      }),
      ['backfill_item_not_closed'],
    ],
  ])('finds %s', (_, change, codes) => {
    expect(checkAssets(change(sound())).map(({ code }) => code)).toEqual(codes)
  })
})
