/**
 * The closed list of error codes. `http` is the status the API answers with, `retryable` tells
 * Temporal whether another attempt of the same step can help.
 */
export const ERROR_CODES = {
  // Requests
  invalid_request: { http: 400, retryable: false },
  unauthorized: { http: 401, retryable: false },
  key_expired: { http: 401, retryable: false },
  forbidden: { http: 403, retryable: false },
  host_not_allowed: { http: 403, retryable: false },
  not_found: { http: 404, retryable: false },
  method_not_allowed: { http: 405, retryable: false },
  already_exists: { http: 409, retryable: false },
  idempotency_key_reused: { http: 409, retryable: false },
  wrong_state: { http: 409, retryable: false },
  body_too_large: { http: 413, retryable: false },
  unsupported_media_type: { http: 415, retryable: false },
  upload_interrupted: { http: 400, retryable: false },
  rate_limited: { http: 429, retryable: true },
  unavailable: { http: 503, retryable: true },
  internal: { http: 500, retryable: true },

  // Files and tables
  csv_empty: { http: 422, retryable: false },
  csv_header_only: { http: 422, retryable: false },
  csv_malformed: { http: 422, retryable: false },
  csv_encoding: { http: 422, retryable: false },
  csv_duplicate_columns: { http: 422, retryable: false },
  csv_row_too_long: { http: 422, retryable: false },
  csv_header_ambiguous: { http: 422, retryable: false },
  ndjson_malformed: { http: 422, retryable: false },
  ndjson_encoding: { http: 422, retryable: false },
  parquet_malformed: { http: 422, retryable: false },
  arrow_malformed: { http: 422, retryable: false },
  arrow_batch_too_large: { http: 422, retryable: false },
  format_mismatch: { http: 422, retryable: false },
  format_unsupported: { http: 422, retryable: false },
  duplicate_columns: { http: 422, retryable: false },
  no_rows: { http: 422, retryable: false },
  nested_values: { http: 422, retryable: false },
  types_mixed: { http: 422, retryable: false },
  type_unsupported: { http: 422, retryable: false },
  too_many_bad_rows: { http: 422, retryable: false },
  date_format_ambiguous: { http: 422, retryable: false },
  value_not_of_type: { http: 422, retryable: false },
  schema_changed: { http: 422, retryable: false },
  expectations_failed: { http: 422, retryable: false },
  unknown_column: { http: 422, retryable: false },
  no_table: { http: 422, retryable: false },
  transformation_invalid: { http: 400, retryable: false },
  transformation_mismatch: { http: 422, retryable: false },

  // Versions of data
  branch_moved: { http: 409, retryable: false },
  suite_moved: { http: 409, retryable: false },
  chunks_missing: { http: 422, retryable: false },
  version_invalid: { http: 422, retryable: false },
  version_retired: { http: 410, retryable: false },
  transfer_expired: { http: 409, retryable: false },
  file_changed: { http: 409, retryable: true },

  // Training
  unknown_parameter: { http: 422, retryable: false },
  parameter_out_of_range: { http: 422, retryable: false },
  not_resumable: { http: 422, retryable: false },
  target_invalid: { http: 422, retryable: false },
  label_invalid: { http: 422, retryable: false },
  split_invalid: { http: 422, retryable: false },
  gate_refused: { http: 422, retryable: false },
  parity_failed: { http: 422, retryable: false },
  trainer_failed: { http: 422, retryable: false },
  trainer_crashed: { http: 500, retryable: true },
  engine_missing: { http: 503, retryable: true },

  // Serving and rollouts
  features_invalid: { http: 422, retryable: false },
  prediction_id_reused: { http: 409, retryable: false },
  not_deployed: { http: 409, retryable: false },
  overloaded: { http: 503, retryable: true },
  segment_corrupt: { http: 500, retryable: false },
  preflight_failed: { http: 422, retryable: false },
  strategy_invalid: { http: 422, retryable: false },
  rollout_in_progress: { http: 409, retryable: false },
  rollout_closed: { http: 409, retryable: false },
  rolled_back: { http: 409, retryable: false },

  // Pipelines
  pipeline_invalid: { http: 422, retryable: false },
  step_input_invalid: { http: 422, retryable: false },
  approval_rejected: { http: 422, retryable: false },
  approval_expired: { http: 422, retryable: false },
  asset_invalid: { http: 422, retryable: false },
  backfill_failed: { http: 409, retryable: false },
  asset_output_missing: { http: 422, retryable: false },
  step_poisonous: { http: 500, retryable: false },
  pipeline_full: { http: 409, retryable: false },

  // Pools
  pool_unknown: { http: 409, retryable: false },
  pool_too_small: { http: 409, retryable: false },
  pool_in_use: { http: 409, retryable: false },

  // Schedules
  cron_invalid: { http: 422, retryable: false },
  time_zone_invalid: { http: 422, retryable: false },

  // Sensors
  source_unavailable: { http: 422, retryable: false },

  // Steps of pipelines
  query_invalid: { http: 422, retryable: false },
  http_failed: { http: 502, retryable: true },
  http_refused: { http: 422, retryable: false },
  script_invalid: { http: 422, retryable: false },
  script_failed: { http: 500, retryable: true },
  script_refused: { http: 422, retryable: false },

  // Stores and processes
  object_missing: { http: 500, retryable: true },
  unsupported_format: { http: 422, retryable: false },
  checksum_mismatch: { http: 422, retryable: false },
  object_corrupt: { http: 500, retryable: true },
  lease_lost: { http: 409, retryable: true },
  start_failed: { http: 503, retryable: true },
  lost: { http: 500, retryable: true },
  timed_out: { http: 504, retryable: true },
  terminated: { http: 409, retryable: false },
  cancelled: { http: 409, retryable: false },
  configuration_invalid: { http: 500, retryable: false },
  schema_version: { http: 503, retryable: false },
  payload_too_large: { http: 500, retryable: false },
} as const satisfies Record<string, { http: number; retryable: boolean }>

export type ErrorCode = keyof typeof ERROR_CODES

/** One thing that is wrong with an input: where it is, what it is, and what to do about it. */
export interface Problem {
  /** JSON path of the field, `row 17`, or `file:line:column`. */
  readonly at: string
  readonly message: string
}

export interface ErrorDetails {
  readonly problems?: readonly Problem[]
  readonly [key: string]: unknown
}

/** The one error class of MLForge. The message says what happened, to what, and what to do next. */
export class MlforgeError extends Error {
  override readonly name = 'MlforgeError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message)
  }

  get http(): number {
    return ERROR_CODES[this.code].http
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** True for a string that is one of MLForge's error codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}
