import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { configurationPage } from './configuration-page.js'
import { CONFIGURATION } from './pages.js'

it('docs/configuration.md is what the fields say (node dist/test/docs/write-configuration.js)', async () => {
  expect(readFileSync(CONFIGURATION, 'utf8')).toBe(await configurationPage(CONFIGURATION))
})
