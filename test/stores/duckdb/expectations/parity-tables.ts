import type { GreatExpectationsColumn } from '../../../support/great-expectations.js'

const column = (name: string, type: string, values: readonly unknown[]): GreatExpectationsColumn => ({
  name,
  type,
  values,
})

const MAIN = [
  column('n', 'integer', [3, 1, 2, 2, 5, 8, 8, 8]),
  column('x', 'number', [0.5, null, 'NaN', -1, 2.25, 2.25, 10, 3]),
  column('y', 'number', [0.5, null, 1, -2, 2.25, 3.5, null, 4]),
  column('s', 'string', ['a', 'b', null, 'é', 'a', '日本語', '', 'abc def']),
  column('u', 'string', ['a', 'b', null, 'e', 'b', '日本語', 'x', null]),
  column('mail', 'string', ['a@b.c', 'nobody', null, 'x@y.z', 'ü@ö.de', 'A@B', '', '1@2']),
  column('day', 'string', [
    '2026-01-31',
    '2026-02-30',
    null,
    '2025-12-01',
    '31.01.2026',
    'x',
    '',
    '2024-02-29',
  ]),
  column('doc', 'string', ['{"a":1}', '[1,2', null, '"x"', '3', '', '{"a":}', 'null']),
  column('d', 'date', [
    '2026-01-01',
    '2026-01-01',
    null,
    '2026-03-05',
    '2025-12-31',
    '2026-01-02',
    null,
    '2026-06-01',
  ]),
  column('t', 'timestamp', [
    '2026-01-01T00:00:00',
    '2026-01-01T12:30:00',
    '2026-01-02T00:00:00',
    '2026-01-02T00:00:00',
    '2026-01-03T00:00:01',
    '2026-02-01T00:00:00',
    '2026-03-01T00:00:00',
    '2026-03-01T00:00:00',
  ]),
  column('b', 'boolean', [true, false, true, true, null, false, true, true]),
  column('k', 'integer', [1, 2, 3, null, 5, 5, 7, 8]),
  column('up', 'number', [1, 2, null, 2, 3, 'NaN', 5, 4]),
  column('down', 'integer', [9, 8, 8, 7, 6, 5, 5, 1]),
  column('p', 'number', [0.25, 0.5, null, 1, 0, 0.1, 0.3, 0.5]),
  column('q', 'number', [0.75, 0.5, null, 0, 1, 0.9, null, 0.25]),
  column('zn', 'number', [null, null, null, null, null, null, null, null]),
  column('zs', 'string', [null, null, null, null, null, null, null, null]),
  column('one', 'integer', [4, 4, 4, 4, 4, 4, 4, 4]),
]

/** The tables that ours and great_expectations are asked about. */
export const TABLES: Readonly<Record<string, readonly GreatExpectationsColumn[]>> = {
  main: MAIN,
  empty: MAIN.map(each => ({ ...each, values: [] })),
  single: MAIN.map(each => ({ ...each, values: each.values.slice(0, 1) })),
  ties: [
    column('v', 'string', ['a', 'b', 'a', 'b', 'c', null]),
    column('g', 'integer', [1, 1, 2, 2, 3, 3]),
    column('h', 'string', ['p', 'p', 'q', null, null, null]),
    column('w', 'number', [1, 2, 3, 4, 5, 100]),
  ],
  words: [column('w', 'string', ['12', '٣', 'x', null])],
  spread: [
    column('v', 'number', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, null, 'NaN', 0, 12]),
    column('c', 'string', ['a', 'a', 'a', 'b', 'b', 'c', 'c', 'c', 'c', 'd', null, 'a', 'b', 'e', 'a']),
  ],
}
