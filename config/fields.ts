import { join } from 'node:path'
import { z } from 'zod'
import { ERROR_CODES, isErrorCode } from '../domain/errors.js'
import { didYouMean } from '../domain/suggest.js'
import type { Config } from './config.js'
import { S3_FIELDS } from './s3-fields.js'

type Scalar = string | number | boolean | readonly string[]

/** Dotted paths of all leaves: the keys of mlforge.yaml. */
type Paths<T, P extends string = ''> = {
  [K in keyof T & string]: T[K] extends Scalar ? `${P}${K}` : Paths<T[K], `${P}${K}.`>
}[keyof T & string]
export type ConfigPath = Paths<Config>

type At<T, P extends string> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? At<T[K], Rest>
    : never
  : P extends keyof T
    ? T[P]
    : never

/** Where defaults come from: `directory` is that of mlforge.yaml, or the current one. */
export interface DefaultsContext {
  readonly directory: string
  readonly userCache: string
  readonly value: (path: ConfigPath) => unknown
}

export interface Field<V> {
  /** The environment variable that sets it. */
  readonly env: string
  readonly schema: z.ZodType<V>
  /** Missing: nothing can be assumed, `missing` says what to do. */
  readonly fallback?: V | ((context: DefaultsContext) => V)
  /** Default inside the stack that `mlforge up` starts, where it differs. */
  readonly embedded?: V
  /** A file system path: relative ones are resolved (yaml: from its directory, environment: from the current). */
  readonly path?: boolean
  readonly missing?: string
}

const text = z.string().min(1, 'must not be empty')
const int = (min: number, max: number) => z.number().int().min(min).max(max)
const seconds = z.number().min(0.05).max(86_400)
const port = int(0, 65_535)
const MAX_HOLD_SECONDS = 3650 * 86_400
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      value => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be an address that starts with ${protocols.map(protocol => `${protocol}//`).join(' or ')}`,
    )
const address = z.string().regex(/^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'must be host:port')
const errorCode = z.string().superRefine((value, context) => {
  if (isErrorCode(value)) return
  const hint = didYouMean(value, Object.keys(ERROR_CODES))
  context.addIssue({ code: 'custom', message: `"${value}" is no error code.${hint}` })
})
const stack = 'Start the stack with mlforge up, or set'

/** Every setting once: its key in mlforge.yaml, its environment variable, what is allowed, its default. */
export const FIELDS: { readonly [P in ConfigPath]: Field<At<Config, P>> } = {
  project: {
    env: 'MLFORGE_PROJECT',
    schema: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes'),
    fallback: 'default',
  },
  stateDirectory: {
    env: 'MLFORGE_STATE_DIRECTORY',
    schema: text,
    path: true,
    fallback: ({ directory }) => join(directory, '.mlforge'),
  },
  cacheDirectory: {
    env: 'MLFORGE_CACHE_DIRECTORY',
    schema: text,
    path: true,
    fallback: ({ userCache }) => join(userCache, 'mlforge'),
  },
  offline: { env: 'MLFORGE_OFFLINE', schema: z.boolean(), fallback: false },
  'log.level': {
    env: 'MLFORGE_LOG_LEVEL',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
    fallback: 'info',
  },
  'log.pretty': { env: 'MLFORGE_LOG_PRETTY', schema: z.boolean(), fallback: false },
  'postgres.url': {
    env: 'MLFORGE_POSTGRES_URL',
    schema: url('postgres:', 'postgresql:'),
    missing: `${stack} MLFORGE_POSTGRES_URL.`,
  },
  'postgres.poolSize': { env: 'MLFORGE_POSTGRES_POOL_SIZE', schema: int(1, 200), fallback: 10 },
  'redis.url': {
    env: 'MLFORGE_REDIS_URL',
    schema: url('redis:', 'rediss:'),
    missing: `${stack} MLFORGE_REDIS_URL.`,
  },
  'temporal.address': {
    env: 'MLFORGE_TEMPORAL_ADDRESS',
    schema: address,
    missing: `${stack} MLFORGE_TEMPORAL_ADDRESS.`,
  },
  'temporal.namespace': { env: 'MLFORGE_TEMPORAL_NAMESPACE', schema: text, fallback: 'default' },
  'temporal.tls': { env: 'MLFORGE_TEMPORAL_TLS', schema: z.boolean(), fallback: false },
  'temporal.webUrl': {
    env: 'MLFORGE_TEMPORAL_WEB_URL',
    schema: url('http:', 'https:'),
    fallback: ({ value }) =>
      `http://${String(value('temporal.address') ?? '127.0.0.1:7233').replace(/:\d+$/, '')}:8233`,
  },
  'temporal.retentionDays': { env: 'MLFORGE_TEMPORAL_RETENTION_DAYS', schema: int(1, 3650), fallback: 30 },
  'objects.kind': { env: 'MLFORGE_OBJECTS_KIND', schema: z.enum(['local', 's3']), fallback: 'local' },
  'objects.directory': {
    env: 'MLFORGE_OBJECTS_DIRECTORY',
    schema: text,
    path: true,
    fallback: ({ value }) => join(String(value('stateDirectory')), 'objects'),
  },
  ...S3_FIELDS,
  'api.host': { env: 'MLFORGE_API_HOST', schema: text, fallback: '127.0.0.1' },
  'api.port': { env: 'MLFORGE_API_PORT', schema: port, fallback: 0 },
  'api.allowedHosts': { env: 'MLFORGE_API_ALLOWED_HOSTS', schema: z.array(text), fallback: [] },
  'api.maxBodyBytes': { env: 'MLFORGE_API_MAX_BODY_BYTES', schema: int(1024, 2 ** 30), fallback: 2 ** 20 },
  'api.maxUploadBytes': {
    env: 'MLFORGE_API_MAX_UPLOAD_BYTES',
    schema: int(1024, 2 ** 45),
    fallback: 20 * 2 ** 30,
  },
  'worker.heartbeatTimeoutSeconds': {
    env: 'MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS',
    schema: seconds,
    fallback: 30,
    embedded: 10,
  },
  'worker.trainSlots': { env: 'MLFORGE_WORKER_TRAIN_SLOTS', schema: int(1, 256), fallback: 2 },
  'worker.ioSlots': { env: 'MLFORGE_WORKER_IO_SLOTS', schema: int(1, 1000), fallback: 20 },
  'worker.drainSeconds': {
    env: 'MLFORGE_WORKER_DRAIN_SECONDS',
    schema: seconds,
    fallback: 30,
    embedded: 10,
  },
  'worker.port': { env: 'MLFORGE_WORKER_PORT', schema: port, fallback: 0 },
  'worker.deployment': { env: 'MLFORGE_WORKER_DEPLOYMENT', schema: z.string().max(100), fallback: '' },
  'worker.build': { env: 'MLFORGE_WORKER_BUILD', schema: z.string().max(100), fallback: '' },
  'serving.host': { env: 'MLFORGE_SERVING_HOST', schema: text, fallback: '127.0.0.1' },
  'serving.port': { env: 'MLFORGE_SERVING_PORT', schema: port, fallback: 0 },
  'serving.replicas': { env: 'MLFORGE_SERVING_REPLICAS', schema: int(1, 99), fallback: 1 },
  'serving.threads': { env: 'MLFORGE_SERVING_THREADS', schema: int(1, 256), fallback: 1 },
  'serving.pollSeconds': { env: 'MLFORGE_SERVING_POLL_SECONDS', schema: seconds, fallback: 1 },
  'serving.queueRows': { env: 'MLFORGE_SERVING_QUEUE_ROWS', schema: int(1, 1_000_000), fallback: 5_000 },
  'serving.deadlineSeconds': { env: 'MLFORGE_SERVING_DEADLINE_SECONDS', schema: seconds, fallback: 10 },
  'serving.drainSeconds': { env: 'MLFORGE_SERVING_DRAIN_SECONDS', schema: seconds, fallback: 5 },
  'serving.recentIds': { env: 'MLFORGE_SERVING_RECENT_IDS', schema: int(1, 10_000_000), fallback: 200_000 },
  'serving.sealSeconds': {
    env: 'MLFORGE_SERVING_SEAL_SECONDS',
    schema: seconds,
    fallback: 5,
    embedded: 1,
  },
  'serving.segmentBytes': {
    env: 'MLFORGE_SERVING_SEGMENT_BYTES',
    schema: int(1024, 2 ** 30),
    fallback: 8 * 2 ** 20,
  },
  'serving.flushSeconds': { env: 'MLFORGE_SERVING_FLUSH_SECONDS', schema: seconds, fallback: 1 },
  'serving.logBudgetBytes': {
    env: 'MLFORGE_SERVING_LOG_BUDGET_BYTES',
    schema: int(1024, 2 ** 45),
    fallback: 2 ** 30,
  },
  'rollouts.lookEverySeconds': {
    env: 'MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS',
    schema: seconds,
    fallback: 10,
    embedded: 1,
  },
  'rollouts.followEverySeconds': {
    env: 'MLFORGE_ROLLOUTS_FOLLOW_EVERY_SECONDS',
    schema: seconds,
    fallback: 30,
    embedded: 2,
  },
  'monitoring.intervalSeconds': {
    env: 'MLFORGE_MONITORING_INTERVAL_SECONDS',
    schema: seconds,
    fallback: 60,
    embedded: 2,
  },
  'labels.intervalSeconds': {
    env: 'MLFORGE_LABELS_INTERVAL_SECONDS',
    schema: seconds,
    fallback: 60,
    embedded: 5,
  },
  'labels.holdSeconds': {
    env: 'MLFORGE_LABELS_HOLD_SECONDS',
    schema: z.number().min(0.05).max(MAX_HOLD_SECONDS),
    fallback: 7 * 86_400,
  },
  'compaction.intervalSeconds': {
    env: 'MLFORGE_COMPACTION_INTERVAL_SECONDS',
    schema: seconds,
    fallback: 300,
    embedded: 60,
  },
  'compaction.minFiles': { env: 'MLFORGE_COMPACTION_MIN_FILES', schema: int(2, 500), fallback: 16 },
  'compaction.quietSeconds': {
    env: 'MLFORGE_COMPACTION_QUIET_SECONDS',
    schema: seconds,
    fallback: 3_600,
  },
  'compaction.maxRows': {
    env: 'MLFORGE_COMPACTION_MAX_ROWS',
    schema: int(1_000, 5_000_000),
    fallback: 1_000_000,
  },
  'compaction.maxBytes': {
    env: 'MLFORGE_COMPACTION_MAX_BYTES',
    schema: int(2 ** 20, 2 ** 30),
    fallback: 128 * 2 ** 20,
  },
  'compaction.graceHours': { env: 'MLFORGE_COMPACTION_GRACE_HOURS', schema: int(2, 8_760), fallback: 24 },
  'data.graceMinutes': {
    env: 'MLFORGE_DATA_GRACE_MINUTES',
    schema: z.number().min(0).max(10_080),
    fallback: 60,
  },
  'lineage.url': {
    env: 'MLFORGE_LINEAGE_URL',
    schema: z.literal('').or(
      // It is not sent, and would be shown with each event that is owed.
      url('http:', 'https:').refine(
        value => !URL.canParse(value) || new URL(value).username + new URL(value).password === '',
        'must have no user and no password in it. What has to be sent as a bearer token is lineage.apiKey',
      ),
    ),
    fallback: '',
  },
  'lineage.apiKey': { env: 'MLFORGE_LINEAGE_API_KEY', schema: z.string(), fallback: '' },
  'lineage.namespace': {
    env: 'MLFORGE_LINEAGE_NAMESPACE',
    schema: z
      .string()
      .regex(
        /^[A-Za-z0-9:/_.@+?=-]{1,200}$/,
        'must be 1 to 200 letters, digits and : / _ . @ + ? = -, such as mlforge://team',
      ),
    fallback: 'mlforge',
  },
  'scripts.directory': {
    env: 'MLFORGE_SCRIPTS_DIRECTORY',
    schema: text,
    fallback: ({ directory }) => directory,
    path: true,
  },
  'retries.intervalSeconds': {
    env: 'MLFORGE_RETRIES_INTERVAL_SECONDS',
    schema: seconds,
    fallback: 30,
    embedded: 10,
  },
  'retries.codes': {
    env: 'MLFORGE_RETRIES_CODES',
    schema: z.array(errorCode),
    fallback: [
      'object_missing',
      'object_corrupt',
      'unavailable',
      'trainer_crashed',
      'timed_out',
      'lost',
      'start_failed',
    ],
  },
  'retries.maxAttempts': { env: 'MLFORGE_RETRIES_MAX_ATTEMPTS', schema: int(0, 1000), fallback: 5 },
  'retries.delaySeconds': {
    env: 'MLFORGE_RETRIES_DELAY_SECONDS',
    schema: seconds,
    fallback: 60,
    embedded: 5,
  },
  'retries.perDay': { env: 'MLFORGE_RETRIES_PER_DAY', schema: int(1, 1_000_000), fallback: 100 },
  'retries.activityAttempts': {
    env: 'MLFORGE_RETRIES_ACTIVITY_ATTEMPTS',
    schema: int(1, 1000),
    fallback: 8,
    embedded: 5,
  },
  'reconcile.intervalSeconds': {
    env: 'MLFORGE_RECONCILE_INTERVAL_SECONDS',
    schema: seconds,
    fallback: 60,
  },
  'reconcile.untouchedSeconds': {
    env: 'MLFORGE_RECONCILE_UNTOUCHED_SECONDS',
    schema: seconds,
    fallback: 120,
  },
  'embedded.temporalPath': { env: 'MLFORGE_TEMPORAL_PATH', schema: z.string(), path: true, fallback: '' },
  'embedded.redisPath': { env: 'MLFORGE_REDIS_PATH', schema: z.string(), path: true, fallback: '' },
  'embedded.postgresPort': { env: 'MLFORGE_EMBEDDED_POSTGRES_PORT', schema: port, fallback: 0 },
  'embedded.redisPort': { env: 'MLFORGE_EMBEDDED_REDIS_PORT', schema: port, fallback: 0 },
  'embedded.temporalPort': { env: 'MLFORGE_EMBEDDED_TEMPORAL_PORT', schema: port, fallback: 0 },
  'embedded.temporalUiPort': { env: 'MLFORGE_EMBEDDED_TEMPORAL_UI_PORT', schema: port, fallback: 0 },
}

export const PATHS = Object.keys(FIELDS) as ConfigPath[]

/** Variables with our prefix that are not settings: what clients use, and where mlforge.yaml is. */
export const OTHER_VARIABLES: readonly string[] = ['MLFORGE_CONFIG', 'MLFORGE_API_URL', 'MLFORGE_API_KEY']
