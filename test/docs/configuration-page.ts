import { format, resolveConfig } from 'prettier'
import { z } from 'zod'
import type { ConfigPath, Field } from '../../config/fields.js'
import { FIELDS, PATHS } from '../../config/fields.js'

/** What each setting means. A setting without a line here does not compile. */
const MEANINGS: { readonly [P in ConfigPath]: string } = {
  project: 'first part of every name, workflow id and object key',
  stateDirectory: 'where the stack of a directory keeps data, keys, logs and `endpoints.json`',
  cacheDirectory: 'downloads and builds, shared by all checkouts',
  offline: 'never fetch Temporal from its vendor: build it, or take what is there',
  'log.level': 'least level that is logged',
  'log.pretty': 'lines for people instead of JSON',
  'postgres.url': 'database, `postgres://user:password@host:port/name`',
  'postgres.poolSize': 'connections of each process',
  'redis.url': '`redis://:password@host:port`',
  'temporal.address': 'frontend of the Temporal server, `host:port`',
  'temporal.namespace': 'must exist on an external server',
  'temporal.tls': 'connect with TLS',
  'temporal.webUrl': 'base of the Temporal Web links in answers',
  'temporal.retentionDays': 'how long closed workflows stay visible in Temporal; archived histories stay',
  'objects.kind': 'where objects are kept: files of this machine, or a bucket',
  'objects.directory': 'where the local object store keeps its bytes',
  'objects.s3.endpoint': 'address of a server that speaks S3, such as MinIO; empty: AWS',
  'objects.s3.region': 'region of the bucket',
  'objects.s3.bucket': 'must exist; needed where the kind is `s3`',
  'objects.s3.prefix': 'what all keys begin with, such as `team/mlforge`',
  'objects.s3.accessKeyId':
    'name of the key; empty: found as the AWS SDK does it, such as the role of the machine',
  'objects.s3.secretAccessKey': 'its secret, better in the environment than in a file',
  'objects.s3.forcePathStyle':
    'bucket in the path instead of the host name, as MinIO and most servers but AWS need it',
  'objects.s3.checksums':
    '`when_required` for servers that refuse checksums which the SDK adds; those that MLForge relies on are always sent',
  'api.host': 'address the API listens on',
  'api.port': '0: a free one, kept in the state directory',
  'api.allowedHosts': 'Host headers that are answered, besides loopback names; separated by commas',
  'api.maxBodyBytes': 'largest JSON body',
  'api.maxUploadBytes': 'largest uploaded file',
  'worker.heartbeatTimeoutSeconds': 'a training silent for this long is given to another worker',
  'worker.trainSlots': 'trainings at once in one worker',
  'worker.ioSlots': 'activities on data and rows at once in one worker',
  'worker.drainSeconds': 'how long a worker that is told to stop may finish what it does',
  'worker.port': 'port of `/live`, `/ready`, `/metrics`; 0: a free one',
  'worker.deployment': 'name under which Temporal versions workflow workers; empty: they are not versioned',
  'worker.build': 'build of the workflows, where they are versioned; empty: version and commit of the code',
  'serving.host': 'address the replicas listen on',
  'serving.port': 'port of the first replica, the others take the ones after it; 0: free ones',
  'serving.replicas': 'replicas that `mlforge up` runs; `--serving` wins',
  'serving.threads': 'threads of a replica that score rows',
  'serving.pollSeconds': 'how often a replica looks for new plans and keys',
  'serving.queueRows': 'rows that may wait to be scored; beyond it requests are answered 503',
  'serving.deadlineSeconds': 'how long a request may take',
  'serving.drainSeconds':
    'how long a replica that is told to stop may send what is left of its log; the next start under its name sends the rest',
  'serving.recentIds':
    'prediction ids that a replica remembers at least, and twice as many at most: the same id again gets the first answer',
  'serving.sealSeconds': 'age at which a segment of the prediction log is sealed and sent',
  'serving.segmentBytes': 'size at which a segment of the prediction log is sealed and sent',
  'serving.flushSeconds':
    'time between flushes of the prediction log to the disk: what a loss of power may take',
  'serving.logBudgetBytes':
    'bytes of log that a replica keeps while they cannot be sent; beyond it predictions are answered, not logged',
  'rollouts.lookEverySeconds': 'how often it is seen whether a rollout or an incident has new evidence',
  'rollouts.followEverySeconds': 'how often it is looked for moves of aliases that deployments follow',
  'monitoring.intervalSeconds': 'how often it is looked for windows of predictions that are due',
  'labels.intervalSeconds': 'how often labels and predictions are brought together',
  'labels.holdSeconds': 'how long a label may be without its prediction before it is reported',
  'compaction.intervalSeconds': 'how often small files of the prediction log are merged',
  'compaction.minFiles': 'files of one day and routing plan that are worth a merge while more of them come',
  'compaction.quietSeconds': 'a day to which nothing was added for so long is merged whole',
  'compaction.maxRows': 'most rows of a merged file',
  'compaction.maxBytes': 'most bytes of a merged file',
  'compaction.graceHours':
    'how long files that were merged can still be read before they are deleted: longer than any activity, and than the age of a database backup of your own that you would restore beside these objects',
  'data.graceMinutes':
    'how long a pack that no version needs, and an object that nothing names, stay before a collection removes them',
  'lineage.url':
    'where OpenLineage events are posted to, such as `http://marquez:5000/api/v1/lineage`, without user and password; empty: nowhere',
  'lineage.apiKey': 'sent to it as a bearer token; better in the environment than in a file',
  'lineage.namespace': 'namespace of all jobs and datasets in these events',
  'scripts.directory': 'where pipelines find the files of their scripts',
  'retries.intervalSeconds': 'how often failed runs are looked at',
  'retries.codes': 'failures that are started again by themselves; separated by commas',
  'retries.maxAttempts': 'starts of one run, the first included',
  'retries.delaySeconds': 'time between a failure and the next start',
  'retries.perDay':
    'starts after the first one, of all runs of one model, deployment, dataset or pipeline in 24 hours: beyond it automatic ones wait',
  'retries.activityAttempts': 'tries of one activity, within one start of its run',
  'reconcile.intervalSeconds': 'how often rows are compared with Temporal',
  'reconcile.untouchedSeconds': 'open rows older than this are compared',
  'embedded.temporalPath': "Temporal's program; empty: PATH, the cache, a download or a build",
  'embedded.redisPath': '`redis-server`; empty: PATH, or what can be installed',
  'embedded.postgresPort': '0: a free one, kept in the state directory',
  'embedded.redisPort': '0: a free one, kept in the state directory',
  'embedded.temporalPort': '0: a free one, kept in the state directory',
  'embedded.temporalUiPort': '0: a free one, kept in the state directory',
}

/** Settings that the launcher itself fills in, when it has started the server they belong to. */
const FROM_THE_STACK: readonly ConfigPath[] = [
  'postgres.url',
  'redis.url',
  'temporal.address',
  'temporal.webUrl',
]

const HEAD = `# Configuration

Every setting has an environment variable and a key in \`mlforge.yaml\`. The environment wins over the file, the file over
the default. All problems are listed at once, with file, line and column; unknown keys are refused, with the nearest name.
\`mlforge.yaml\` is read from the current directory, or from the path in \`MLFORGE_CONFIG\`. Relative paths start at the
file that names them, or at the current directory when a variable does.

\`\`\`yaml
api:
  port: 8080
  allowedHosts: [mlforge.example.org]
worker:
  trainSlots: 4
\`\`\`

_Embedded_ is the default inside the stack that \`make up\` starts, where it differs; there, \`mlforge.yaml\` and the environment
win as well. A server whose address is configured
is not started: set \`postgres.url\`, \`redis.url\` or \`temporal.address\` to use your own.

Clients (the guide, your scripts) read \`MLFORGE_API_URL\` and \`MLFORGE_API_KEY\`, as \`make up\` prints them.

| mlforge.yaml | variable | allowed | default | embedded | meaning |
| --- | --- | --- | --- | --- | --- |
`

const FOOT = `
This page is generated: \`node dist/test/docs/write-configuration.js\` writes it from \`config/fields.ts\`.
`

/** Text of docs/configuration.md, from the fields themselves, formatted like all other pages. */
export async function configurationPage(file: string): Promise<string> {
  const rows = PATHS.map(path => {
    const field = FIELDS[path] as Field<unknown>
    const cells = [
      `\`${path}\``,
      `\`${field.env}\``,
      allowed(field),
      defaultOf(path, field),
      embedded(path, field),
      MEANINGS[path],
    ]
    return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  })
  return format(HEAD + rows.join('') + FOOT, { ...(await resolveConfig(file)), filepath: file })
}

function defaultOf(path: ConfigPath, { fallback, missing }: Field<unknown>): string {
  if (missing !== undefined) return 'none: needed'
  if (typeof fallback !== 'function') return shown(fallback)
  const value = (of: ConfigPath) => (of === 'temporal.address' ? `<its host>:7233` : `<${of}>`)
  const made = (fallback as (context: object) => unknown)({ directory: '.', userCache: '~/.cache', value })
  return path === 'temporal.webUrl' ? `\`${String(made)}\`` : shown(made)
}

function embedded(path: ConfigPath, field: Field<unknown>): string {
  if (FROM_THE_STACK.includes(path)) return 'of the started server'
  return field.embedded === undefined ? '' : shown(field.embedded)
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(item => `\`${item}\``).join(', ')
  return value === '' ? 'empty' : `\`${String(value)}\``
}

interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
}

function allowed({ schema, path }: Field<unknown>): string {
  const { type, minimum, maximum, ...one } = z.toJSONSchema(schema, { unrepresentable: 'any' }) as JsonSchema
  const values = one.enum ?? (one.const === undefined ? undefined : [one.const])
  if (values) return values.map(value => `\`${String(value)}\``).join(', ')
  if (path === true) return 'path'
  if (type === 'array') return 'list'
  if (type === 'boolean') return '`true`, `false`'
  return minimum === undefined ? 'text' : `${type === 'integer' ? 'whole ' : ''}${minimum} to ${maximum}`
}
