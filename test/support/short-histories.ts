import { type ChildProcess, spawn } from 'node:child_process'
import { Connection } from '@temporalio/client'
import { findTemporal } from '../../infra/launcher/temporal-program.js'
import { eventually } from './eventually.js'
import { freePort } from './ports.js'
import { cacheDirectory } from './python.js'

/** A Temporal server that tells workflows to cut their histories after so few events, where others let them have 4,096. */
export class ShortHistories {
  private constructor(
    readonly address: string,
    private readonly server: ChildProcess,
  ) {}

  static async start(events: number): Promise<ShortHistories> {
    const configured = process.env['MLFORGE_TEMPORAL_PATH'] ?? ''
    const program = await findTemporal({ configured, cacheDirectory: cacheDirectory(), offline: true })
    if (program === undefined)
      throw new Error('There is no program "temporal": node dist/cli/main.js up gets it.')
    const port = await freePort()
    const settings = [
      `limit.historyCount.suggestContinueAsNew=${events}`,
      'history.transferProcessorMaxPollRPS=2000',
      'history.timerProcessorMaxPollRPS=2000',
    ]
    const server = spawn(
      program,
      [
        ...['server', 'start-dev', '--headless', '--ip=127.0.0.1', `--port=${port}`, '--log-level=never'],
        ...settings.map(setting => `--dynamic-config-value=${setting}`),
      ],
      { stdio: 'ignore' },
    )
    const address = `127.0.0.1:${port}`
    const started = new ShortHistories(address, server)
    process.once('exit', () => server.kill('SIGKILL'))
    try {
      await eventually(async () => (await Connection.connect({ address, connectTimeout: 1_000 })).close())
    } catch (error) {
      await started.stop()
      throw error
    }
    return started
  }

  async stop(): Promise<void> {
    const gone = new Promise(resolve => this.server.once('exit', resolve))
    if (this.server.exitCode !== null || this.server.signalCode !== null) return
    this.server.kill('SIGKILL')
    await gone
  }
}
