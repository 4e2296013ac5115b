import { proxyActivities } from '@temporalio/workflow'
import type { VerificationActivities } from '../activities/data/verifications.js'
import type {
  DatasetVerifyResult,
  VerificationLive,
  VerifiedPacks,
} from '../contracts/temporal/data-verification.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { longDataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** Reads all that versions need, writes anew what is damaged and can be had, and names what cannot. */
export async function datasetVerify(input: RunInput): Promise<DatasetVerifyResult> {
  const { markVersions, verifySomePacks, verifyObjects, reportDamage, forgetVerified } =
    proxyActivities<VerificationActivities>(longDataWork(input.limits))

  return asRun<VerificationLive, DatasetVerifyResult>(input, { stage: 'mark' }, async run => {
    await markVersions(input)

    run.stage('packs')
    const sum = { packs: 0, bytes: 0, damagedPacks: 0 }
    for (let after: string | null = '0'; after !== null;) {
      const found: VerifiedPacks = await verifySomePacks({ ...input, after })
      sum.packs += found.packs
      sum.bytes += found.bytes
      sum.damagedPacks += found.damaged
      run.tell({ packs: sum.packs })
      after = found.after
    }
    run.show('packs', `${sum.packs}, ${sum.damagedPacks} damaged`)

    run.stage('objects')
    const { objects, damaged } = await verifyObjects(input)
    run.stage('report')
    const report = await reportDamage({ ...input, ...sum, objects, damaged })
    await forgetVerified(input)
    run.show('damaged files', String(report.damagedFiles))
    return {
      outcome: 'succeeded',
      ...sum,
      objects,
      damagedObjects: damaged.length,
      lostObjects: damaged.filter(({ healed }) => !healed).length,
      ...report,
    }
  })
}
