import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type LineageNode, nodeId, parseNodeId, reportOfStep } from '../../../domain/lineage/nodes.js'

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/)
const run = fc.uuid()
const node: fc.Arbitrary<LineageNode> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('dataset' as const, 'model' as const, 'transformation' as const),
    name,
    version: fc.integer({ min: 1, max: 999_999_999 }),
  }),
  fc.record({ kind: fc.constant('window' as const), name, window: fc.stringMatching(/^[0-9T:.Z-]{1,60}$/) }),
  fc.record({ kind: fc.constant('deployment' as const), name }),
  fc.record({ kind: fc.constantFrom('report' as const, 'run' as const), run }),
  fc.record({
    kind: fc.constant('report' as const),
    run,
    step: fc.stringMatching(/^[a-z][a-z0-9_-]{0,59}$/),
  }),
)

describe('ids of nodes', () => {
  it('say which node it is', () => {
    fc.assert(fc.property(node, each => expect(parseNodeId(nodeId(each))).toEqual(each)))
  })

  it.each<[string, LineageNode]>([
    ['dataset:bike@3', { kind: 'dataset', name: 'bike', version: 3 }],
    ['window:bike@2012-01', { kind: 'window', name: 'bike', window: '2012-01' }],
    ['0197c1a2-0000-7000-8000-000000000001', { kind: 'run', run: '0197c1a2-0000-7000-8000-000000000001' }],
  ])('%s is read', (id, expected) => {
    expect(parseNodeId(id)).toEqual(expected)
  })

  it.each(['check', 'check/3', 'check:compensate'])('a report of step %s is that of the step', step => {
    const run = '0197c1a2-0000-7000-8000-000000000001'
    expect(nodeId(reportOfStep(run, step))).toBe(`report:${run}@check`)
  })

  it.each([
    '',
    'bike',
    'bike@3',
    'dataset:bike',
    'dataset:bike@',
    'dataset:bike@0',
    'dataset:bike@01',
    'dataset:bike@latest',
    'dataset:Bike@1',
    'model:bike@1 ',
    'window:bike@',
    'deployment:bike@1',
    'deployment:',
    'run:1',
    'report:',
    'report:0197c1a2-0000-7000-8000-000000000001@',
    'report:0197c1a2-0000-7000-8000-000000000001@Check',
    'run:0197c1a2-0000-7000-8000-000000000001@check',
    'feature:bike@1',
    ':@',
  ])('"%s" is none', id => {
    expect(parseNodeId(id)).toBeNull()
  })
})
