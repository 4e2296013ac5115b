import type { Definition } from './definition.js'

/** Expectations of the table itself: its columns and how many rows it has. */
export const TABLES = {
  expect_column_to_exist: {
    about: 'There is a column of this name, at this place (from 0) where one is given.',
    query: 'schema',
    rows: false,
    parameters: { column: 'name', column_index: 'count?' },
    example: { column: 'price' },
  },
  expect_table_columns_to_match_set: {
    about: 'The columns are these in any order; without exact_match there may be others.',
    query: 'schema',
    rows: false,
    parameters: { column_set: 'names', exact_match: 'flag?' },
    example: { column_set: ['id', 'price'], exact_match: false },
  },
  expect_table_columns_to_match_ordered_list: {
    about: 'The columns are these, in this order.',
    query: 'schema',
    rows: false,
    parameters: { column_list: 'names' },
    example: { column_list: ['id', 'price', 'colour'] },
  },
  expect_table_column_count_to_equal: {
    about: 'There are as many columns.',
    query: 'schema',
    rows: false,
    parameters: { value: 'count' },
    example: { value: 12 },
  },
  expect_table_column_count_to_be_between: {
    about: 'The number of columns is within the bounds.',
    query: 'schema',
    rows: false,
    parameters: { min_value: 'count?', max_value: 'count?' },
    bounds: 'counts',
    example: { min_value: 10, max_value: 20 },
  },
  expect_column_values_to_be_of_type: {
    about: 'The column is of this type.',
    query: 'schema',
    rows: false,
    parameters: { column: 'column', type_: 'type' },
    judges: 'any',
    example: { column: 'price', type_: 'number' },
  },
  expect_column_values_to_be_in_type_list: {
    about: 'The column is of one of these types.',
    query: 'schema',
    rows: false,
    parameters: { column: 'column', type_list: 'types' },
    judges: 'any',
    example: { column: 'price', type_list: ['integer', 'number'] },
  },
  expect_table_row_count_to_equal: {
    about: 'There are as many rows.',
    query: 'scan',
    rows: false,
    parameters: { value: 'count' },
    example: { value: 8645 },
  },
  expect_table_row_count_to_be_between: {
    about: 'The number of rows is within the bounds.',
    query: 'scan',
    rows: false,
    parameters: { min_value: 'count?', max_value: 'count?' },
    bounds: 'counts',
    example: { min_value: 1000 },
  },
  expect_table_row_count_to_equal_other_table: {
    about: 'Another table has as many rows.',
    query: 'reference',
    rows: false,
    parameters: { other_table_name: 'table' },
    example: { other_table_name: 'orders' },
  },
  expect_table_row_count_change_to_be_between: {
    about:
      'The number of rows has changed by this share since the previous version: 0.1 is a tenth more, -0.1 a tenth fewer. Holds where there is no previous version.',
    query: 'scan',
    rows: false,
    parameters: { min_value: 'number?', max_value: 'number?', strict_min: 'flag?', strict_max: 'flag?' },
    bounds: 'numbers',
    ours: true,
    example: { min_value: -0.05, max_value: 0.5 },
  },
} as const satisfies Record<string, Definition>
