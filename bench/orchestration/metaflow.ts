import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { besideByHand } from './by-hand.js'

/** Without a service, as it is installed: its runs are files of the machine. */
export const besideMetaflow = (stack: Stack): Promise<Row[]> =>
  besideByHand(stack, {
    name: 'Metaflow',
    requirements: ['metaflow==2.19.39'],
    env: home => ({
      METAFLOW_DATASTORE_SYSROOT_LOCAL: home,
      METAFLOW_DEFAULT_DATASTORE: 'local',
      METAFLOW_DEFAULT_METADATA: 'local',
      METAFLOW_HOME: home,
      USERNAME: 'bench',
    }),
    working: 'not finished',
    goOn: 'resume',
    how: 'gone on by hand: a person says resume',
  })
