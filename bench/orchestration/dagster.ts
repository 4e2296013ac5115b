import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { besideByHand } from './by-hand.js'

export const besideDagster = (stack: Stack): Promise<Row[]> =>
  besideByHand(stack, {
    name: 'Dagster',
    requirements: ['dagster==1.13.29'],
    env: home => ({ DAGSTER_HOME: home }),
    working: 'STARTED',
    goOn: 'go-on',
    how: 'gone on by hand from what a person has marked as failed',
  })
