import { parseEventTime } from '../../../domain/drift/event-time.js'
import type {
  IncidentPageFacts,
  PageEvent,
  PagePlan,
  PageWindow,
} from '../../../domain/incidents/page/facts.js'
import { openIncident } from '../../../domain/incidents/incident.js'
import type { IncidentStatus } from '../../../domain/incidents/incident-status.js'
import { year2012 } from './support.js'

const OPENED = Date.UTC(2026, 10, 24, 12)
const at = (minute: number): number => OPENED + minute * 60_000
const ROLLOUT = 'rollout 84a91f0e-1111-8222-8333-000000000002'

/** Errors of the months of 2012, as measured on the bike-sharing data. */
const ERRORS = [
  [56.1, 0.39, 0.31],
  [66.9, 0.43, 0.36],
  [104.2, 0.45, 0.41],
  [120.8, 0.44, 0.4],
  [118.4, 0.4, 0.34],
  [101.3, 0.31, 0.22],
  [69.8, 0.22, 0.05],
  [72.6, 0.23, 0.08],
] as const

const windows: PageWindow[] = year2012(ERRORS.map((_, month) => (month < 6 ? 'breached' : 'healthy'))).map(
  ({ window, breached, labelled }, month) => {
    const [rmse, wape, relativeBias] = ERRORS[month]!
    const mixed = [
      { version: 1, share: 0.62 },
      { version: 3, share: 0.38 },
    ]
    return {
      id: window.id,
      start: window.start,
      breached,
      reason: `${labelled} of ${labelled} rows are labelled`,
      labelled,
      metrics: { rmse, mae: rmse * 0.7, wape, relativeBias, r2: 0.5 },
      versions: month === 5 ? mixed : [{ version: month < 5 ? 1 : 3, share: 1 }],
      report: `/v1/deployments/bike/windows/${window.id}/report?revision=1`,
    }
  },
)

const plan = (
  revision: number,
  minute: number,
  weight: number,
  mirrored: boolean,
  why: string,
): PagePlan => ({
  revision,
  at: at(minute),
  arms:
    weight === 100
      ? [{ version: 3, role: 'stable', weight: 100 }]
      : [
          { version: 1, role: 'stable', weight: 100 - weight },
          { version: 3, role: 'candidate', weight },
          ...(mirrored ? [{ version: 3, role: 'shadow' as const, weight: 0, sample: 20 }] : []),
        ],
  reason: why,
})

const STORY: readonly (readonly [IncidentStatus, string, PageEvent['evidence']])[] = [
  ['open', 'opened by 2012-01 and 2012-02', { windows: ['2012-01', '2012-02'] }],
  ['waiting_for_data', 'waiting for data 1433/2800', { for: 'data', rows: 1433, required: 2800 }],
  ['waiting_for_data', 'waiting for data 2176/2800', { for: 'data', rows: 2176, required: 2800 }],
  ['retraining', 'retraining with 2894 labelled rows until 2012-05-01T00:00:00.000Z', { rows: 2894 }],
  ['retraining', 'training on bike version 2: 11539 rows, 4354 of them predictions', { version: 2 }],
  ['rolling_out', 'rolling out version 3', { version: 3 }],
  ['observing', 'observing version 3', { version: 3 }],
  ['closed', '2012-07 and 2012-08 without breach, with version 3', { reason: 'fixed' }],
]

/** The incident of the demo, at its end. */
export const DEMO_FACTS: IncidentPageFacts = {
  id: '01a20e3f-abbf-76f9-85ca-92b26daeeee3',
  deployment: 'bike',
  model: 'bike-demand',
  message: STORY.at(-1)![1],
  state: {
    ...openIncident(year2012(['breached', 'breached'])),
    status: 'closed',
    settledUntil: parseEventTime('2012-09-01'),
  },
  openedAt: OPENED,
  closedAt: at(9),
  windows,
  retrainings: [
    {
      number: 1,
      trigger: 'automatic',
      dataUntil: parseEventTime('2012-05-01'),
      version: 3,
      set: { name: 'bike', version: 2, rows: 11_539, added: 4_354 },
      training: {
        id: '84a91f0e-1111-8222-8333-000000000001',
        kind: 'training',
        status: 'succeeded',
        outcome: null,
        href: '/v1/trainings/84a91f0e-1111-8222-8333-000000000001',
      },
      gate: {
        passed: true,
        checks: [
          { name: 'baseline', observed: 57.1, limit: 152.4, passed: true, message: '' },
          { name: 'champion', observed: 57.1, limit: 129.6, passed: true, message: '' },
        ],
      },
      rollout: {
        id: '84a91f0e-1111-8222-8333-000000000002',
        kind: 'rollout',
        status: 'succeeded',
        outcome: 'promoted',
        href: '/v1/rollouts/84a91f0e-1111-8222-8333-000000000002',
      },
    },
  ],
  plans: [
    {
      revision: 2,
      at: at(-30),
      arms: [{ version: 1, role: 'stable', weight: 100 }],
      reason: 'first version',
    },
    plan(3, 5, 0, false, `${ROLLOUT}: ready`),
    plan(4, 5, 10, true, `${ROLLOUT}: step`),
    plan(5, 6, 50, true, `${ROLLOUT}: step`),
    plan(6, 7, 100, false, `${ROLLOUT}: promote`),
  ],
  events: STORY.map(([status, message, evidence], index) => ({
    number: index + 1,
    at: at(index),
    status,
    message,
    evidence,
  })),
  workflow: 'http://web.example/workflow',
}
