// Entry of the workflow bundle: every workflow type, by its name.
export { datasetCommit } from './dataset-commit.js'
export { reconcile, superviseRetries } from './maintenance.js'
export { scheduledTraining } from './scheduled-training.js'
export { trainModel } from './train-model.js'
