import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

// A process as the supervisor's table knows them: answers /ready on its port. With `crash` it ends at once.
const [port, mode] = process.argv.slice(2)
if (mode === 'crash') {
  console.error('cannot go on: the disk is on fire')
  process.exit(3)
}
// A process of its own group, which must go with it.
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
createServer((_, response) => response.end('ready')).listen(Number(port), '127.0.0.1')
if (mode === 'stubborn') process.on('SIGTERM', () => console.log('asked to stop, and goes on'))
