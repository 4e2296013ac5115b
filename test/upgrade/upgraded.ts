import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Rest } from '../../sdk/rest.js'
import { readEndpoints } from '../../examples/bike-sharing/story.js'
import { mlforge } from '../support/servers.js'
import { BACKUP, RECORDED, type Recorded, STATE, unpack } from './recorded.js'

/** A stack of today's code with the work of an earlier one. */
export interface Upgraded {
  readonly stateDirectory: string
  readonly api: Rest
  readonly serving: Rest
}

/** What an archive holds, in a directory of its own. */
export class Upgrade {
  private constructor(
    private readonly directory: string,
    readonly recorded: Recorded,
  ) {}

  static async of(archive: string): Promise<Upgrade> {
    // Postgres may run as another user, who must be able to reach its data.
    const directory = await mkdtemp('/var/tmp/mlforge-upgrade-')
    await chmod(directory, 0o755)
    await unpack(archive, directory)
    const recorded = JSON.parse(await readFile(join(directory, RECORDED), 'utf8')) as Recorded
    return new Upgrade(directory, recorded)
  }

  /** On the state directory as it was left. */
  up(): Promise<Upgraded> {
    return this.start(join(this.directory, STATE))
  }

  /** On what `mlforge restore` makes of the backup. */
  async restore(): Promise<Upgraded> {
    const stateDirectory = join(this.directory, 'restored')
    const zipped = join(this.directory, `${BACKUP}.gz`)
    const file = createReadStream(join(this.directory, BACKUP))
    await pipeline(file, createGzip({ level: 1 }), createWriteStream(zipped))
    await mlforge(stateDirectory, ['restore', zipped])
    return this.start(stateDirectory)
  }

  async remove(): Promise<void> {
    for (const name of [STATE, 'restored']) await mlforge(join(this.directory, name), ['clean'])
    await rm(this.directory, { recursive: true, force: true })
  }

  private async start(stateDirectory: string): Promise<Upgraded> {
    await mlforge(stateDirectory, ['up'])
    const { api, serving, keyFile } = await readEndpoints(stateDirectory)
    const key = (await readFile(keyFile, 'utf8')).trim()
    return { stateDirectory, api: new Rest(api, key), serving: new Rest(serving, key) }
  }
}
