import type { Json } from '../canonical-json.js'
import { APPLY, EVALUATE, FIT, GATE, REGISTER, TRANSFORM, VALIDATE } from './model-step-types.js'
import type { ValueType } from './values.js'

export interface InputSpec {
  readonly type: ValueType
  /** An input with a default, or one that is optional, may be left out. */
  readonly default?: Json
  readonly optional?: true
  /** It must be given, and may be null. */
  readonly nullable?: true
  readonly choices?: readonly string[]
  readonly description: string
}

export interface OutputSpec {
  readonly type: ValueType
  readonly description: string
}

/** A kind of step: what it takes and gives, and how it is run where its step does not say otherwise. */
export interface StepType {
  /** Grows when the same inputs would give another outcome: part of the key that outcomes are kept by. */
  readonly version: number
  readonly description: string
  readonly inputs: Readonly<Record<string, InputSpec>>
  /** Inputs of which one must be given, and no other. */
  readonly oneOf?: readonly string[]
  readonly outputs: Readonly<Record<string, OutputSpec>>
  /**
   * Which workers do it: rows and files, or computing. A `run` is one of its own that is waited for, a `wait`
   * is done by somebody's answer, or by time.
   */
  readonly work: 'io' | 'compute' | 'run' | 'wait'
  /** Of one try, in seconds. */
  readonly timeoutSeconds: number
  readonly maxAttempts: number
  /** `never`: what it does is an effect, or depends on the moment. */
  readonly cache: 'default' | 'on_request' | 'never'
}

const MINUTE = 60
const HOUR = 3600

/** The step library. */
export const STEP_TYPES = {
  dataset: {
    version: 1,
    description: 'Fixes which version of a dataset the run works on.',
    inputs: {
      dataset: {
        type: 'string',
        description:
          '`name`, or `name@` and a version: its number, `latest`, a branch, a tag, or an instant in braces',
      },
    },
    outputs: {
      name: { type: 'string', description: 'name of the dataset' },
      version: { type: 'integer', description: 'number of the version' },
      root: { type: 'string', description: 'hash of its content' },
      rows: { type: 'integer', description: 'number of rows' },
      table: { type: 'table', description: 'its rows' },
    },
    work: 'io',
    timeoutSeconds: MINUTE,
    maxAttempts: 5,
    cache: 'default',
  },
  query: {
    version: 1,
    description: 'Makes a table by SQL (DuckDB) over tables.',
    inputs: {
      sql: { type: 'string', description: 'one SELECT; tables by the names of `tables`' },
      tables: { type: 'tables', description: 'tables by the names that the SQL has for them' },
    },
    outputs: {
      table: { type: 'table', description: 'the result' },
      rows: { type: 'integer', description: 'number of its rows' },
      first: { type: 'json', description: 'its first row, null where it has none' },
    },
    work: 'io',
    timeoutSeconds: HOUR,
    maxAttempts: 3,
    cache: 'default',
  },
  transform: TRANSFORM,
  fit: FIT,
  apply: APPLY,
  validate: VALIDATE,
  gate: GATE,
  train: {
    version: 1,
    description: 'Trains, evaluates, judges and registers a model: a training of its own.',
    inputs: {
      model: { type: 'string', description: 'name of the model' },
      dataset: { type: 'string', description: 'name of the dataset' },
      version: { type: 'integer', description: 'version of the dataset' },
      training: {
        type: 'json',
        description: 'as of POST /v1/trainings, without model and dataset',
      },
    },
    outputs: {
      run: { type: 'string', description: 'id of the training' },
      model: { type: 'string', description: 'name of the model' },
      version: { type: 'integer', description: 'version it was registered as' },
      sha256: { type: 'string', description: 'hash of the model' },
      metrics: { type: 'json', description: 'of model, baseline and champion on the held-out rows' },
    },
    work: 'run',
    timeoutSeconds: 7 * 24 * HOUR,
    maxAttempts: 3,
    cache: 'default',
  },
  evaluate: EVALUATE,
  compare: {
    version: 1,
    description: 'Refuses a figure that is not good enough beside another one.',
    inputs: {
      candidate: { type: 'number', description: 'the new figure' },
      reference: { type: 'number', description: 'the figure it is held against' },
      maxRatio: { type: 'number', default: 1, description: 'candidate / reference at most' },
    },
    outputs: {
      ratio: { type: 'number', description: 'candidate / reference' },
    },
    work: 'io',
    timeoutSeconds: MINUTE,
    maxAttempts: 3,
    cache: 'default',
  },
  register: REGISTER,
  promote: {
    version: 1,
    description: 'Lets an alias of a model name a version.',
    inputs: {
      model: { type: 'string', description: 'name of the model' },
      version: {
        type: 'integer',
        nullable: true,
        description: 'what the alias is to name, null for nothing',
      },
      alias: { type: 'string', default: 'champion', description: 'name of the alias' },
    },
    outputs: {
      version: { type: 'integer', description: 'what it names now, null for nothing' },
      previous: { type: 'json', description: 'what it named before, null for nothing' },
    },
    work: 'io',
    timeoutSeconds: MINUTE,
    maxAttempts: 5,
    cache: 'never',
  },
  deploy: {
    version: 1,
    description: 'Rolls a version out to a deployment: a rollout of its own.',
    inputs: {
      deployment: { type: 'string', description: 'name of the deployment' },
      version: { type: 'integer', description: 'of its model' },
      strategy: {
        type: 'json',
        optional: true,
        description: 'as of POST /v1/deployments/{name}/rollouts; a canary where it is left out',
      },
    },
    outputs: {
      rollout: { type: 'string', description: 'id of the rollout' },
      version: { type: 'integer', description: 'what is served now' },
    },
    work: 'run',
    timeoutSeconds: 30 * 24 * HOUR,
    maxAttempts: 3,
    cache: 'never',
  },
  branch: {
    version: 1,
    description: 'Says which way a run takes: steps with `when: { <this step>: <case> }` follow it.',
    inputs: {
      value: { type: 'json', description: 'what is looked at' },
      cases: {
        type: 'json',
        description:
          'a list, the first that holds is taken: `{ case: large, above: 100 }`; conditions are equals, not, oneOf, above, atLeast, below, atMost',
      },
    },
    outputs: {
      taken: { type: 'string', description: 'the case, or `otherwise`' },
    },
    work: 'io',
    timeoutSeconds: MINUTE,
    maxAttempts: 3,
    cache: 'never',
  },
  approve: {
    version: 1,
    description: 'Waits until somebody approves or rejects.',
    inputs: {
      message: { type: 'string', description: 'what is asked' },
      roles: {
        type: 'strings',
        default: ['admin', 'operator'],
        description: 'whose answer counts: admin, operator',
      },
      remindEverySeconds: {
        type: 'number',
        optional: true,
        description: 'how often the webhook is told again',
      },
      webhook: {
        type: 'string',
        optional: true,
        description:
          'http or https; is told { text, pipeline, run, step } at the beginning, and as a reminder',
      },
    },
    outputs: {
      by: { type: 'string', description: 'who has approved' },
      reason: { type: 'json', description: 'why, null where nothing was said' },
    },
    work: 'wait',
    timeoutSeconds: 7 * 24 * HOUR,
    maxAttempts: 5,
    cache: 'never',
  },
  wait: {
    version: 1,
    description: 'Waits for a time, for a condition, or until it is told to go on.',
    inputs: {
      seconds: { type: 'number', optional: true, description: 'from its beginning' },
      until: { type: 'string', optional: true, description: 'ISO 8601 time with an offset' },
      event: {
        type: 'boolean',
        default: false,
        description: 'true: until POST .../steps/{step}/release, whose payload it gives',
      },
      condition: {
        type: 'json',
        optional: true,
        description: 'a source as `sensor` has it: until it has anything, before or after the beginning',
      },
    },
    outputs: {
      payload: {
        type: 'json',
        description: 'of the event, or what the source has; null where time was waited for',
      },
    },
    work: 'wait',
    timeoutSeconds: 30 * 24 * HOUR,
    maxAttempts: 5,
    cache: 'never',
  },
  sensor: {
    version: 1,
    description: 'Waits until a source has something that it did not have when the step began.',
    inputs: {
      source: {
        type: 'json',
        description:
          'what is looked at, as the source of a sensor: one of objects, directory, dataset, drift, metric and pipeline',
      },
    },
    outputs: {
      payload: { type: 'json', description: 'what is new: the fields of a tick' },
      key: { type: 'string', description: 'names it among all that the source has' },
    },
    work: 'wait',
    timeoutSeconds: 7 * 24 * HOUR,
    maxAttempts: 5,
    cache: 'never',
  },
  map: {
    version: 1,
    description: 'Does one step, its `do`, with each item of a list: a run of its own.',
    inputs: {
      items: { type: 'json', description: 'a list of at most 100,000, or a table, whose rows they are' },
      parallel: {
        type: 'integer',
        default: 10,
        description: 'items that are worked on at the same time, 1 to 200',
      },
      maxFailures: {
        type: 'integer',
        default: 0,
        description: 'items that may fail or be refused; one more ends the map',
      },
    },
    outputs: {
      count: { type: 'integer', description: 'number of items' },
      failed: { type: 'integer', description: 'how many of them failed or were refused' },
      results: {
        type: 'json',
        description: 'what each item gave, in their order; null for those that failed',
      },
    },
    work: 'run',
    timeoutSeconds: 7 * 24 * HOUR,
    maxAttempts: 3,
    cache: 'never',
  },
  subpipeline: {
    version: 1,
    description: 'Runs another pipeline: a run of its own.',
    inputs: {
      pipeline: { type: 'string', description: 'its name' },
      parameters: { type: 'json', default: {}, description: 'by their names' },
      version: { type: 'integer', optional: true, description: 'of it; the newest where left out' },
    },
    outputs: {
      run: { type: 'string', description: 'id of its run' },
      outputs: { type: 'json', description: 'what its steps have given, by their names' },
    },
    work: 'run',
    timeoutSeconds: 30 * 24 * HOUR,
    maxAttempts: 3,
    cache: 'never',
  },
  http: {
    version: 1,
    description: 'Sends a request. At least once, with the same Idempotency-Key on each try.',
    inputs: {
      url: { type: 'string', description: 'http or https' },
      method: {
        type: 'string',
        default: 'POST',
        choices: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        description: 'of the request',
      },
      headers: { type: 'texts', optional: true, description: 'of the request' },
      body: { type: 'json', optional: true, description: 'sent as JSON' },
    },
    outputs: {
      status: { type: 'integer', description: 'of the answer' },
      body: { type: 'json', description: 'of the answer: JSON where it is, else text' },
    },
    work: 'io',
    timeoutSeconds: 5 * MINUTE,
    maxAttempts: 5,
    cache: 'never',
  },
  notify: {
    version: 1,
    description: 'Tells somebody by a webhook. At least once, with the same Idempotency-Key on each try.',
    inputs: {
      url: { type: 'string', description: 'http or https; gets { text, pipeline, run, step }' },
      text: { type: 'string', description: 'what is told' },
    },
    outputs: {
      status: { type: 'integer', description: 'of the answer' },
    },
    work: 'io',
    timeoutSeconds: MINUTE,
    maxAttempts: 20,
    cache: 'never',
  },
  script: {
    version: 1,
    description: 'Runs a command. At least once, with the same Idempotency-Key on each try.',
    inputs: {
      command: { type: 'strings', description: 'program and arguments' },
      files: {
        type: 'strings',
        optional: true,
        description: 'files of the project that it uses: it sees a copy of them and nothing else',
      },
      inputs: { type: 'json', optional: true, description: 'what it finds in $MLFORGE_INPUTS, as JSON' },
      tables: { type: 'tables', optional: true, description: 'what it finds there as Parquet files' },
      environment: { type: 'texts', optional: true, description: 'variables that it gets' },
    },
    outputs: {
      outputs: { type: 'json', description: 'what it has written to $MLFORGE_OUTPUTS' },
      files: { type: 'json', description: 'files it has left in $MLFORGE_FILES, by name' },
    },
    work: 'compute',
    timeoutSeconds: 24 * HOUR,
    maxAttempts: 3,
    cache: 'on_request',
  },
} as const satisfies Record<string, StepType>

export type StepTypeName = keyof typeof STEP_TYPES

/** Type of a step by its name; undefined for a name that no type has. */
export function stepType(name: string): StepType | undefined {
  return Object.hasOwn(STEP_TYPES, name) ? STEP_TYPES[name as StepTypeName] : undefined
}
