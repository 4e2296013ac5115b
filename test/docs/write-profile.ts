import { writeFileSync } from 'node:fs'
import { PROFILE, profileDocument } from './profile-tables.js'

writeFileSync(PROFILE, await profileDocument())
