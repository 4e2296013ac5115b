import type { SensorSource } from '../../domain/sensors/sensor.js'
import { readDirectory, readObjects } from './file-sources.js'
import type { Reading, SourcePage, SourcePorts } from './read-source.js'
import { readDataset, readDrift, readEvents, readMetric, readPipeline } from './row-sources.js'

/**
 * What the source of a sensor has past its cursor, a page of it.
 * @throws MlforgeError not_found, source_unavailable where it cannot be seen
 */
export async function readSource(
  ports: SourcePorts,
  { source, ...at }: Omit<Reading<'webhook'>, 'source'> & { readonly source: SensorSource },
): Promise<SourcePage> {
  switch (source.kind) {
    case 'objects':
      return readObjects(ports, { ...at, source })
    case 'directory':
      return readDirectory(ports, { ...at, source })
    case 'dataset':
      return readDataset(ports, { ...at, source })
    case 'drift':
      return readDrift(ports, { ...at, source })
    case 'metric':
      return readMetric(ports, { ...at, source })
    case 'webhook':
      return readEvents(ports, { ...at, source })
    case 'pipeline':
      return readPipeline(ports, { ...at, source })
  }
}
