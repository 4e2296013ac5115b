import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { checkSuite } from '../../domain/expectations/suite.js'
import { EXPECTATIONS, expectationsPage } from './expectation-tables.js'
import { blocks } from './pages.js'

describe('docs/reference/expectations.md', () => {
  it('has the types of the catalogue (node dist/test/docs/write-expectations.js)', async () => {
    expect(await readFile(EXPECTATIONS, 'utf8')).toBe(await expectationsPage())
  })

  it('shows a suite that is accepted', async () => {
    const [yaml] = blocks(await readFile(EXPECTATIONS, 'utf8')).filter(({ language }) => language === 'yaml')
    expect(checkSuite(parse(yaml!.text)).expectations).toHaveLength(3)
  })
})
