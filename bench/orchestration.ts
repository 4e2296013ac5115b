// Pipelines against workflows of nothing but Temporal, on the same server and Postgres: what a step costs, how
// many a worker does, how that grows, many runs at once, and how soon a run goes on after a kill. Parts that are
// named are measured alone, and only printed: `node dist/bench/orchestration.js steps width`.
import 'reflect-metadata'
import { backfill } from './orchestration/backfill.js'
import { besideDagster } from './orchestration/dagster.js'
import { burst } from './orchestration/burst.js'
import { maps } from './orchestration/maps.js'
import { besideMetaflow } from './orchestration/metaflow.js'
import { withPeer } from './orchestration/peer.js'
import { besidePrefect } from './orchestration/prefect.js'
import { resumeAfterKill } from './orchestration/resume.js'
import { Runs } from './orchestration/runs.js'
import { stepOverhead } from './orchestration/steps.js'
import { growth, stepsPerSecond } from './orchestration/width.js'
import { report, type Row } from './report.js'
import { withStack } from './stack.js'

await withStack(async stack => {
  await withPeer(await stack.endpoints(), async peer => {
    const runs = new Runs(stack, peer)
    const rows: Row[] = []
    const parts = {
      steps: () => stepOverhead(runs, peer),
      width: () => stepsPerSecond(runs, peer),
      growth: () => growth(runs, peer),
      burst: () => burst(runs, peer),
      maps: () => maps(stack, peer),
      backfill: () => backfill(stack, peer),
      dagster: () => besideDagster(stack),
      metaflow: () => besideMetaflow(stack),
      prefect: () => besidePrefect(stack),
      // Last: a worker that was killed has an empty cache.
      resume: () => resumeAfterKill(stack, runs, peer),
    }
    const only = process.argv.slice(2)
    for (const [name, measure] of Object.entries(parts)) {
      if (only.length === 0 || only.includes(name)) rows.push(...(await measure()))
    }
    if (only.length === 0) report('orchestration', rows)
    else {
      console.table(rows, ['what', 'ours', 'peer', 'peerName', 'unit'])
      for (const { what, details } of rows) if (details) console.log(what, JSON.stringify(details))
    }
  })
})
