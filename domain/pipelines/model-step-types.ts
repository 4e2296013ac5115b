import type { StepType } from './step-types.js'

// Entries of the step library, in a file of their own for its length.

const MINUTE = 60
const HOUR = 3600

export const TRANSFORM = {
  version: 1,
  description: 'Changes a table by a list of operations.',
  inputs: {
    table: { type: 'table', description: 'what is changed' },
    operations: {
      type: 'json',
      description:
        'a list of `{ kind, ... }`: select, drop, rename, filter, derive, cast, fillNull, clip, sort, distinct, sample, limit',
    },
  },
  outputs: {
    table: { type: 'table', description: 'the result' },
    rows: { type: 'integer', description: 'number of its rows' },
    columns: { type: 'strings', description: 'its columns' },
  },
  work: 'io',
  timeoutSeconds: HOUR,
  maxAttempts: 3,
  cache: 'default',
} as const satisfies StepType

export const FIT = {
  version: 1,
  description: 'Fits steps to a table: a version of a transformation, to change other tables by.',
  inputs: {
    transformation: { type: 'string', description: 'name of the transformation' },
    table: { type: 'table', description: 'what is learned from' },
    where: {
      type: 'string',
      optional: true,
      description: 'predicate in SQL for the rows that are learned from; all of them where left out',
    },
    steps: {
      type: 'json',
      description: 'a list of `{ kind, ... }`: impute, scale, one_hot, target, ... as the reference has them',
    },
    folds: {
      type: 'integer',
      optional: true,
      description:
        'how many parts `table` is made in, each by what the others have taught, so that no row knows its own target',
    },
    seed: { type: 'integer', default: 0, description: 'of the folds' },
    dataset: { type: 'string', optional: true, description: 'what the table was made from' },
    version: { type: 'integer', optional: true, description: 'of the dataset' },
  },
  outputs: {
    transformation: { type: 'string', description: 'name of the transformation' },
    version: { type: 'integer', description: 'version it was registered as' },
    sha256: { type: 'string', description: 'hash of what was learned' },
    created: { type: 'boolean', description: 'false where the newest version had learned the same' },
    table: { type: 'table', description: 'the table, changed by it' },
    rows: { type: 'integer', description: 'number of rows that it was fitted to' },
    columns: { type: 'strings', description: 'columns of `table`' },
  },
  work: 'io',
  timeoutSeconds: HOUR,
  maxAttempts: 3,
  cache: 'never',
} as const satisfies StepType

export const APPLY = {
  version: 1,
  description: 'Changes a table by a version of a transformation.',
  inputs: {
    transformation: { type: 'string', description: 'name of the transformation' },
    version: { type: 'integer', description: 'of it' },
    table: { type: 'table', description: 'what is changed' },
  },
  outputs: {
    table: { type: 'table', description: 'the result' },
    rows: { type: 'integer', description: 'number of its rows' },
    columns: { type: 'strings', description: 'its columns' },
  },
  work: 'io',
  timeoutSeconds: HOUR,
  maxAttempts: 3,
  cache: 'default',
} as const satisfies StepType

export const VALIDATE = {
  version: 2,
  description: 'Refuses a table that does not hold what is expected of it.',
  inputs: {
    table: { type: 'table', description: 'what is looked at' },
    expectations: {
      type: 'json',
      optional: true,
      description: 'as of datasets: a list of { type, ... }',
    },
    suite: {
      type: 'string',
      optional: true,
      description:
        'instead of expectations: `name` of a dataset, whose current suite is meant, or `name@3`, a version of it',
    },
    dataset: {
      type: 'string',
      optional: true,
      description:
        'of which the table is a version, for expectations that compare it with the version before',
    },
    version: { type: 'integer', optional: true, description: 'of the dataset' },
  },
  oneOf: ['expectations', 'suite'],
  outputs: {
    warnings: { type: 'strings', description: 'expectations of severity warn that do not hold' },
    results: { type: 'json', description: 'each expectation with what was found' },
    suite: { type: 'json', description: '{ dataset, version, sha256 } of the suite, null for none' },
  },
  work: 'io',
  timeoutSeconds: HOUR,
  maxAttempts: 3,
  cache: 'default',
} as const satisfies StepType

export const GATE = {
  version: 1,
  description: 'Waits until a version of a dataset is as its suite expects, or somebody lets one pass.',
  inputs: {
    dataset: {
      type: 'string',
      description:
        '`name`, whose newest version is meant as long as it waits, or name@ and a branch, a tag, a number',
    },
    suite: {
      type: 'string',
      optional: true,
      description: '`name@3`, a version of the suite of the dataset; the current one where left out',
    },
    roles: {
      type: 'strings',
      default: ['admin', 'operator'],
      description: 'who may let a version pass, with a reason: admin, operator',
    },
  },
  outputs: {
    name: { type: 'string', description: 'of the dataset' },
    version: { type: 'integer', description: 'its number' },
    root: { type: 'string', description: 'hash of its content' },
    rows: { type: 'integer', description: 'number of its rows' },
    table: { type: 'table', description: 'its rows' },
    suite: { type: 'json', description: '{ dataset, version, sha256 } of the suite' },
    validation: { type: 'string', description: 'id of the validation that has the results' },
    override: { type: 'json', description: '{ by, reason } of who has let it pass, null for nobody' },
  },
  work: 'wait',
  timeoutSeconds: 7 * 24 * HOUR,
  maxAttempts: 5,
  cache: 'never',
} as const satisfies StepType

export const EVALUATE = {
  version: 1,
  description: 'Scores a registered version of a model on a table.',
  inputs: {
    model: { type: 'string', description: 'name of the model' },
    version: { type: 'integer', optional: true, description: 'of it; either this or an alias' },
    alias: {
      type: 'string',
      optional: true,
      description: '`champion` where neither is given; outcomes are taken over only for a version',
    },
    table: { type: 'table', description: 'what is scored: the features, and the target' },
    target: { type: 'string', optional: true, description: 'column with the truth; that of the version' },
  },
  outputs: {
    metrics: { type: 'json', description: 'rmse, mae, wape, relativeBias, r2' },
    rows: { type: 'integer', description: 'number of rows' },
    predictions: { type: 'table', description: 'the rows, and `prediction`' },
    version: { type: 'integer', description: 'what was scored' },
  },
  work: 'compute',
  timeoutSeconds: HOUR,
  maxAttempts: 3,
  cache: 'default',
} as const satisfies StepType

export const REGISTER = {
  version: 1,
  description: 'Makes a version of a model of an ONNX file, once it was tried.',
  inputs: {
    model: { type: 'string', description: 'name of the model' },
    file: {
      type: 'json',
      description: 'what a script has left: one of its `files`, or its `files` where there is one',
    },
    signature: {
      type: 'json',
      description: '`{ features: [{ name, type }], target, output: { name, clip } }`; output may be left out',
    },
    sample: {
      type: 'table',
      optional: true,
      description: 'rows that it is tried with, here and when it is rolled out; zeros and ones by default',
    },
    metrics: { type: 'json', optional: true, description: 'figures by their names' },
    dataset: { type: 'string', optional: true, description: 'what it was made from' },
    version: { type: 'integer', optional: true, description: 'of the dataset' },
  },
  outputs: {
    model: { type: 'string', description: 'name of the model' },
    version: { type: 'integer', description: 'version it was registered as' },
    sha256: { type: 'string', description: 'hash of the file' },
  },
  work: 'compute',
  timeoutSeconds: 10 * MINUTE,
  maxAttempts: 3,
  cache: 'never',
} as const satisfies StepType
