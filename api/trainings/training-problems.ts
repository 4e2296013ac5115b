import type { ErrorCode } from '../../domain/errors.js'

/** What a training request can have wrong for its dataset. */
export const TRAINING_PROBLEMS = [
  'version_retired',
  'unknown_column',
  'target_invalid',
  'label_invalid',
  'unknown_parameter',
  'parameter_out_of_range',
  'not_resumable',
  'split_invalid',
  'transformation_mismatch',
] as const satisfies readonly ErrorCode[]
