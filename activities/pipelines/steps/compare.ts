import { type Comparison, compareFigures } from '../../../domain/pipelines/compare.js'
import type { StepRunner } from '../step-context.js'

/** Refuses a candidate that is not good enough beside the reference. */
export function compareStep(): StepRunner {
  return ({ inputs, log }) => {
    const { candidate, reference, maxRatio } = inputs as unknown as Comparison
    const verdict = compareFigures({ candidate, reference, maxRatio })
    if (verdict.good) {
      log(`${candidate} is ${verdict.ratio} times ${reference}, at most ${maxRatio} times is good enough`)
      return Promise.resolve({ outputs: { ratio: verdict.ratio } })
    }
    const { message } = verdict
    return Promise.resolve({
      refused: { code: 'gate_refused', message, details: { candidate, reference, maxRatio } },
    })
  }
}
