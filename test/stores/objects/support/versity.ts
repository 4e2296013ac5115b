import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { readSettings } from '../../../../config/load.js'
import { freePort } from '../../../../infra/launcher/ports.js'
import { findVersitygw } from '../../../../infra/launcher/versitygw-program.js'
import type { S3Options } from '../../../../stores/objects/s3-bucket.js'
import { eventually } from '../../../support/eventually.js'

/** The S3 server of these tests; undefined where it is missing. */
export const versitygw = findVersitygw(readSettings({ embedded: true }).cacheDirectory)

const KEYS = { accessKeyId: 'mlforge-tests', secretAccessKey: 'no-secret-at-all' }
const BUCKET = 'mlforge-tests'

/** A real VersityGW on a directory of its own, which can be killed and comes back on the same port. */
export class Versity {
  static async start(): Promise<Versity> {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-versity-'))
    for (const name of ['objects', 'versions', 'scratch']) await mkdir(join(directory, name))
    const server = new Versity(directory, await freePort([], directory))
    await server.run()
    await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }))
    return server
  }

  /** What tests do behind the back of the store. */
  readonly client: S3Client
  readonly scratch: string
  private process: ChildProcess | undefined

  /** Where whoever has started it ends without closing it. */
  private readonly end = (): void => {
    this.process?.kill('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  private constructor(
    private readonly directory: string,
    readonly port: number,
  ) {
    process.once('exit', this.end)
    this.scratch = join(directory, 'scratch')
    this.client = new S3Client({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      forcePathStyle: true,
      credentials: KEYS,
    })
  }

  options(changes: Partial<S3Options> = {}): S3Options {
    return {
      endpoint: `http://127.0.0.1:${this.port}`,
      region: 'us-east-1',
      bucket: BUCKET,
      prefix: 'team/a/',
      ...KEYS,
      forcePathStyle: true,
      checksums: 'when_supported',
      ...changes,
    }
  }

  /** Its configuration, as a process is given it. */
  environment(): Record<string, string> {
    const { endpoint, bucket, prefix } = this.options()
    return {
      MLFORGE_OBJECTS_KIND: 's3',
      MLFORGE_OBJECTS_S3_ENDPOINT: endpoint!,
      MLFORGE_OBJECTS_S3_BUCKET: bucket,
      MLFORGE_OBJECTS_S3_PREFIX: prefix,
      MLFORGE_OBJECTS_S3_ACCESS_KEY_ID: KEYS.accessKeyId,
      MLFORGE_OBJECTS_S3_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      MLFORGE_OBJECTS_S3_FORCE_PATH_STYLE: 'true',
    }
  }

  /** The file in which the server keeps what is at a key. */
  fileOf(key: string): string {
    return join(this.directory, 'objects', BUCKET, key)
  }

  async run(): Promise<void> {
    const at = `127.0.0.1:${this.port}`
    const server = ['--access', KEYS.accessKeyId, '--secret', KEYS.secretAccessKey, '--port', at]
    const files = [
      'posix',
      '--versioning-dir',
      join(this.directory, 'versions'),
      join(this.directory, 'objects'),
    ]
    this.process = spawn(versitygw!, [...server, '--health', '/health', '--quiet', ...files], {
      stdio: 'ignore',
    })
    await eventually(async () => {
      if (!(await fetch(`http://${at}/health`)).ok) throw new Error('not yet')
    })
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const running = this.process
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }

  async close(): Promise<void> {
    process.off('exit', this.end)
    await this.kill()
    this.client.destroy()
    await rm(this.directory, { recursive: true, force: true })
  }
}
