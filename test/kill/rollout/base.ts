import type { Training } from '../../../contracts/rest/trainings.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import { trainingOf } from '../training/scenario.js'

/** One model for all deployments of a stack. */
export const MODEL = 'served'

/** Its first version has learnt too little, the second all that the data have to say. */
export const WEAK = 1
export const STRONG = 2

/**
 * Two versions of which the second is clearly better, and a training that the gate has refused, since its
 * target was shuffled. The champion is the second: a scenario moves it away and back, so that each begins alike.
 * @returns id of the refused training
 */
export async function trainBase(client: PatientClient, dataset: string): Promise<string> {
  const train = async (name: string, rounds: number, more: object = {}) => {
    const body = { ...trainingOf(MODEL, dataset, rounds), ...more }
    const { id } = await client.post<Training>('/v1/trainings', body, `${MODEL}-${name}`)
    return client.follow<Training>(`/v1/trainings/${id}`)
  }
  const shuffled = train('shuffled', 40, { control: { permuteTarget: { seed: 7 } } })
  const both = async () => [await train('weak', 8), await train('strong', 120)] as const
  const [refused, [weak, strong]] = await all([shuffled, both()])
  const got = [weak.version, strong.version, refused.status]
  if (got.join() !== [WEAK, STRONG, 'refused'].join()) {
    throw new Error(`The versions to roll out are not as they should be: ${got.join(', ')}.`)
  }
  await client.put(`/v1/models/${MODEL}/aliases/champion`, { version: STRONG, reason: 'kill suite' })
  return refused.id
}
