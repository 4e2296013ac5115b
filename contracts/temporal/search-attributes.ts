import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)

export const searchAttributes = {
  project: keyword('MlforgeProject'),
  kind: keyword('MlforgeKind'),
  model: keyword('MlforgeModel'),
  dataset: keyword('MlforgeDataset'),
  deployment: keyword('MlforgeDeployment'),
  pipeline: keyword('MlforgePipeline'),
  asset: keyword('MlforgeAsset'),
  stage: keyword('MlforgeStage'),
  trigger: keyword('MlforgeTrigger'),
  metric: defineSearchAttributeKey('MlforgeMetric', SearchAttributeType.DOUBLE),
}
