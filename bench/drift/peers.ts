import { name, text, withDuckDb } from '../../stores/duckdb/duckdb.js'
import { FEATURE_PREFIX } from '../../stores/duckdb/predictions-write.js'
import { python } from '../../test/support/python.js'
import { FEATURES, WINDOW } from './rows.js'

/** DuckDB alone: the same rows from one CSV file to one Parquet file like ours. Seconds. */
export async function csvToParquet(files: readonly string[], csv: string): Promise<number> {
  const source = `read_parquet([${files.map(text).join(', ')}])`
  return withDuckDb({}, async db => {
    const described = await db.query(`DESCRIBE SELECT * FROM ${source}`)
    const types = described.map(
      row => `${text(row['column_name'] as string)}: ${text(row['column_type'] as string)}`,
    )
    await db.run(`COPY (SELECT * FROM ${source}) TO ${text(csv)} (FORMAT csv, HEADER)`)
    const started = performance.now()
    await db.run(`COPY (SELECT * FROM read_csv(${text(csv)}, auto_detect = false, header = true, delim = ',',
        quote = '"', columns = {${types.join(', ')}}) ORDER BY event_time, replica, sequence)
      TO ${text(`${csv}.parquet`)} (FORMAT parquet, COMPRESSION zstd)`)
    return (performance.now() - started) / 1000
  })
}

/** DuckDB alone: one look at all that a check reads, without an answer. Seconds. */
export async function scan(files: readonly string[]): Promise<number> {
  return withDuckDb({}, async db => {
    const sums = ['output', ...FEATURES.map(feature => FEATURE_PREFIX + feature)].map(
      column => `sum(${name(column)})`,
    )
    const started = performance.now()
    await db.run(`SELECT ${sums.join(', ')} FROM read_parquet([${files.map(text).join(', ')}])`)
    return (performance.now() - started) / 1000
  })
}

export interface PeerScores {
  readonly seconds: number
  /** MiB. */
  readonly peakMemory: number
  /** By feature: the Kolmogorov-Smirnov statistic and the normed Wasserstein distance. */
  readonly scores: Readonly<Record<string, readonly [ks: number, wasserstein: number]>>
}

/**
 * SciPy on columns that pyarrow reads from the same files: the four scores of each feature. It joins no
 * labels, looks for no repeated ids, keeps nothing and writes no report.
 */
export async function scipyCheck(files: readonly string[]): Promise<PeerScores> {
  return python<PeerScores>(SCRIPT, JSON.stringify({ files, features: FEATURES, window: WINDOW }))
}

const SCRIPT = `
import json, resource, sys, time
import numpy as np, pyarrow.dataset as ds, pyarrow.compute as pc
from scipy import stats
from scipy.spatial.distance import jensenshannon

asked = json.loads(sys.argv[1])
start, end = asked['window']['start'], asked['window']['end']
begun = time.perf_counter()
data = ds.dataset(asked['files'], format='parquet')
times = data.to_table(columns=['event_time'])['event_time'].cast('int64').to_numpy() // 1000
window, before = (times >= start) & (times < end), times < start
scores = {}
for feature in asked['features']:
    values = data.to_table(columns=['${FEATURE_PREFIX}' + feature]).column(0).to_numpy()
    current, reference = values[window], values[before]
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10, method='inverted_cdf'))
    p = np.bincount(np.searchsorted(edges, reference), minlength=len(edges) + 1) / len(reference)
    q = np.bincount(np.searchsorted(edges, current), minlength=len(edges) + 1) / len(current)
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    psi = float(((q - p) * np.log(q / p)).sum())
    jensenshannon(p, q, base=2)
    ks = stats.ks_2samp(reference, current, method='asymp').statistic
    distance = stats.wasserstein_distance(reference, current) / np.std(reference)
    scores[feature] = [float(ks), float(distance)]
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({'seconds': seconds, 'peakMemory': peak, 'scores': scores}))
`
