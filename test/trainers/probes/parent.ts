// A process to be killed: runs the probe named by its argument as ../../../trainers/runner.ts runs
// a trainer, and lives until then. The probe writes its pids to our stdout.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const probe = fileURLToPath(new URL(`./${process.argv[2]}.js`, import.meta.url))
spawn(process.execPath, [probe, String(process.pid)], {
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
})
setInterval(() => undefined, 60_000)
