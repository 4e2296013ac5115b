import { writeFileSync } from 'node:fs'
import { EXPECTATIONS, expectationsPage } from './expectation-tables.js'

writeFileSync(EXPECTATIONS, await expectationsPage())
