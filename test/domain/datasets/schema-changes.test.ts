import { expect, it } from '@jest/globals'
import type { Column } from '../../../domain/datasets/schema.js'
import { schemaChanges } from '../../../domain/datasets/schema-changes.js'

const column = (name: string, type: Column['type']): Column => ({ name, type, nullable: true })

it('names columns that are added, of another type, and removed', () => {
  const [id, price, at] = [column('id', 'integer'), column('price', 'integer'), column('at', 'date')]
  const to = [column('note', 'string'), at, column('price', 'number')]
  expect(schemaChanges([id, price, at], to)).toEqual([
    { column: 'note', change: 'added', type: { from: null, to: 'string' } },
    { column: 'price', change: 'retyped', type: { from: 'integer', to: 'number' } },
    { column: 'id', change: 'removed', type: { from: 'integer', to: null } },
  ])
  expect(schemaChanges([id, price], [price, id])).toEqual([])
})
