import type { ContentRef } from '../contracts/temporal/messages.js'
import type { CommitRequest } from '../domain/datasets/commit-request.js'
import { replayFor, type TransformationRef } from '../domain/models/replayed.js'
import type { ModelSignature, SignatureTransformation } from '../domain/models/signature.js'
import type { TrainingSpec } from '../domain/training/spec.js'
import { transformationMismatch } from '../domain/transformations/problems.js'
import { readFitted } from '../domain/transformations/read-fitted.js'
import { reads } from '../stores/lineage-scope.js'
import { readJson } from './objects.js'
import type { Ports } from './ports.js'
import { signatureOf } from './signature.js'

type ReplayPorts = Pick<Ports, 'runs' | 'datasets' | 'transformations' | 'objects'>

/** What a model takes and gives, with the transformation before it, whose state is served with it. */
export interface ServedSignature {
  readonly signature: ModelSignature
  readonly state?: ContentRef
}

/**
 * The signature of a trained model.
 * @throws MlforgeError transformation_mismatch where the transformation that the training names cannot make its
 *   features row by row, or has not made its dataset; not_found
 */
export async function servedSignature(
  ports: ReplayPorts,
  project: string,
  spec: TrainingSpec,
): Promise<ServedSignature> {
  const signature = await signatureOf(ports.datasets, project, spec)
  if (spec.transformation === undefined) return { signature }
  const { name, version } = spec.transformation
  const { state, sha256 } = await ports.transformations.version(project, name, version)
  reads({ kind: 'transformation', name, version })
  await assertMadeBy(ports, project, spec, sha256)
  const transformation = await replayedBy(ports, signature, spec.transformation, state)
  return { signature: { ...signature, transformation }, state }
}

/** What callers give to a model behind a transformation whose state is this. @throws MlforgeError transformation_mismatch */
export async function replayedBy(
  { objects }: Pick<Ports, 'objects'>,
  signature: ModelSignature,
  ref: TransformationRef,
  state: ContentRef,
): Promise<SignatureTransformation> {
  const fitted = readFitted(await readJson(objects, state.uri))
  return replayFor(ref, fitted, signature).transformation
}

/** A dataset that another transformation has made would be served wrong numbers, in silence. */
async function assertMadeBy(
  { runs, datasets, transformations }: ReplayPorts,
  project: string,
  { dataset, transformation }: TrainingSpec,
  sha256: string,
): Promise<void> {
  const { runId } = await datasets.table(project, dataset.name, dataset.version)
  // Of what uploads, retrainings and pipelines have made it is not known; nor of a run whose row is gone.
  const run = await runs.find(project, runId)
  const made =
    run?.kind === 'dataset' ? (run.request as CommitRequest).transformed?.transformation : undefined
  if (made === undefined) return
  const maker = await transformations.version(project, made.name, made.version)
  if (maker.sha256 === sha256) return
  const { name, version } = transformation!
  throw transformationMismatch([
    {
      at: 'transformation',
      message: `${dataset.name}@${dataset.version} was made by ${made.name}@${made.version}, and not by ${name}@${version}, whose state is another one.`,
    },
  ])
}
