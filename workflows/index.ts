// Entry of the workflow bundle: every workflow type, by its name.
export { checkDrift } from './check-drift.js'
export { datasetCommit } from './dataset-commit.js'
export { followIncident } from './incident.js'
export { rollOut } from './roll-out.js'
export { reconcile, superviseRetries } from './maintenance.js'
export { scheduledTraining } from './scheduled-training.js'
export { superviseWindows } from './supervise-windows.js'
export { trainModel } from './train-model.js'
