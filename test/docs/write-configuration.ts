import { writeFileSync } from 'node:fs'
import { configurationPage } from './configuration-page.js'
import { CONFIGURATION } from './pages.js'

writeFileSync(CONFIGURATION, await configurationPage(CONFIGURATION))
