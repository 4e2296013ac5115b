import { z } from 'zod'
import type { Problem } from '../domain/errors.js'
import type { Config } from './config.js'

const text = z.string()
const endpoint = text.refine(
  value => value === '' || (URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)),
  'must be an address that starts with http:// or https://',
)
// The names that all servers accept.
const bucket = text.regex(
  /^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  'must be 3 to 63 lower-case letters, digits, dots and dashes',
)
const prefix = text
  .regex(/^$|^[\w.-]+(\/[\w.-]+)*\/?$/, 'must be names of letters, digits, _, . and - with / between them')
  .refine(value => !value.split('/').some(part => part === '.' || part === '..'), 'must not contain . or ..')
  .transform(value => (value === '' || value.endsWith('/') ? value : `${value}/`))

/** Settings of the bucket in which objects are kept; none of them matters to a local store. */
export const S3_FIELDS = {
  'objects.s3.endpoint': { env: 'MLFORGE_OBJECTS_S3_ENDPOINT', schema: endpoint, fallback: '' },
  'objects.s3.region': {
    env: 'MLFORGE_OBJECTS_S3_REGION',
    schema: text.regex(/^[a-z0-9-]+$/, 'must be the name of a region, such as eu-central-1'),
    fallback: 'us-east-1',
  },
  'objects.s3.bucket': { env: 'MLFORGE_OBJECTS_S3_BUCKET', schema: bucket, fallback: '' },
  'objects.s3.prefix': { env: 'MLFORGE_OBJECTS_S3_PREFIX', schema: prefix, fallback: '' },
  'objects.s3.accessKeyId': { env: 'MLFORGE_OBJECTS_S3_ACCESS_KEY_ID', schema: text, fallback: '' },
  'objects.s3.secretAccessKey': { env: 'MLFORGE_OBJECTS_S3_SECRET_ACCESS_KEY', schema: text, fallback: '' },
  'objects.s3.forcePathStyle': {
    env: 'MLFORGE_OBJECTS_S3_FORCE_PATH_STYLE',
    schema: z.boolean(),
    fallback: false,
  },
  'objects.s3.checksums': {
    env: 'MLFORGE_OBJECTS_S3_CHECKSUMS',
    schema: z.enum(['when_supported', 'when_required']),
    fallback: 'when_supported' as const,
  },
}

type S3Path = keyof typeof S3_FIELDS

/** What is wrong with the settings of objects together, each of them being right by itself. */
export function objectProblems(
  { objects }: { readonly objects: Partial<Config['objects']> },
  at: (path: S3Path) => string,
): Problem[] {
  const { kind, s3 = {} as Partial<Config['objects']['s3']> } = objects
  const problems: Problem[] = []
  const missing = (path: S3Path, why: string) => {
    problems.push({ at: at(path), message: `${path} is not set. ${why}` })
  }
  if (kind === 's3' && s3.bucket === '') {
    missing('objects.s3.bucket', 'objects.kind is s3: name the bucket that holds the objects.')
  }
  if (kind === 'local' && s3.bucket !== undefined && s3.bucket !== '') {
    const message =
      'objects.s3.bucket is set, but objects.kind is local: set objects.kind to s3, or remove the bucket.'
    problems.push({ at: at('objects.s3.bucket'), message })
  }
  if (s3.accessKeyId !== undefined && s3.secretAccessKey !== undefined) {
    if (s3.accessKeyId !== '' && s3.secretAccessKey === '') {
      missing('objects.s3.secretAccessKey', 'objects.s3.accessKeyId is set: both are needed, or none.')
    }
    if (s3.accessKeyId === '' && s3.secretAccessKey !== '') {
      missing('objects.s3.accessKeyId', 'objects.s3.secretAccessKey is set: both are needed, or none.')
    }
  }
  return problems
}
