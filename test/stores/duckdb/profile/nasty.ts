/** Rows of numbers, texts and times that are hard to measure; 50 of them are there twice. */
export const NASTY = `WITH r AS (SELECT i, hash(i) AS h, hash(i * 7 + 1) AS g FROM range(2000) r(i))
  SELECT
    CASE WHEN h % 11 = 0 THEN NULL ELSE (h % 41)::BIGINT - 20 END AS "i",
    9007199254740993 + (h % 3)::BIGINT AS "beyond 2^53",
    CASE h % 20 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN 'inf'::DOUBLE WHEN 3 THEN '-inf'::DOUBLE
      WHEN 4 THEN -0.0::DOUBLE WHEN 5 THEN 5e-324::DOUBLE ELSE (g % 100000) / 7.0::DOUBLE END AS "f",
    CASE WHEN h % 2 = 0 THEN 1e308::DOUBLE ELSE -1e308::DOUBLE END AS "huge",
    5.5::DOUBLE AS "constant",
    NULL::DOUBLE AS "empty",
    CASE WHEN h % 3 = 0 THEN NULL ELSE 'nan'::DOUBLE END AS "only nan",
    exp((g % 1000) / 80.0)::DOUBLE AS "skewed",
    1e9::DOUBLE + (g % 1000) / 1000.0 AS "offset",
    ((h % 41)::BIGINT - 20) * 3 + (g % 5)::BIGINT AS "correlated",
    CASE h % 9 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Zoë' WHEN 3 THEN '漢字' WHEN 4 THEN repeat('x', 300)
      ELSE 'word' || (g % 60) END AS "s",
    CASE WHEN h % 50 < 48 THEN 'usual' ELSE 'rare' END AS "mostly ""usual""",
    CASE WHEN h % 10 = 0 THEN NULL ELSE g % 4 = 0 END AS "b",
    CASE WHEN h % 13 = 0 THEN NULL ELSE DATE '1900-01-01' + (g % 73000)::INT END AS "d",
    TIMESTAMP '1969-12-31 23:00:00' + INTERVAL (g % 10000000) MILLISECOND AS "at",
    (g % 200)::UTINYINT AS "byte",
    (((g % 20000)::INT - 10000) / 100.0)::DECIMAL(18, 2) AS "decimal",
    ((g % 1000) / 3.0)::FLOAT AS "float"
  FROM (SELECT * FROM r UNION ALL SELECT * FROM r WHERE i < 50) ORDER BY i, h`

/** The same by pandas: arguments are the file, and a JSON file of edges of bins by column. */
export const SCRIPT = String.raw`
import json, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np, pandas as pd
import pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
edges = json.load(open(sys.argv[2]))
shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
plain = lambda x: None if x is None or pd.isna(x) else float(x)
found, numbers, frame = {}, {}, {}
for name in table.column_names:
    column = table[name]
    values = column.to_pylist()
    present = [v for v in values if v is not None]
    key = lambda v: 'nan' if isinstance(v, float) and v != v else v
    one = {'count': len(present), 'nulls': len(values) - len(present), 'distinct': len({key(v) for v in present})}
    frame[name] = pd.Series([key(v) for v in values], dtype=object)
    counts = pd.Series([key(v) for v in present], dtype=object).value_counts()
    one['top'] = sorted((int(n) for n in counts), reverse=True)[:10]
    kind = str(column.type)
    x = None
    if kind.startswith(('int', 'uint', 'double', 'float', 'decimal')):
        numbers[name] = x = pd.Series([np.nan if v is None else float(v) for v in values], dtype='float64')
        one['nan'] = sum(1 for v in present if v != v)
        one['infinite'] = int(np.isinf(x).sum())
        one['zeros'] = int((x == 0).sum())
        one['negative'] = int((x < 0).sum())
        numbers[name] = x = x.where(np.isfinite(x))
        finite = x.dropna()
        if len(finite) > 0:
            wide = finite.to_numpy().astype(np.longdouble)
            one['mean'] = plain(wide.mean())
            one['std'] = plain((wide - wide.min()).std(ddof=1))
        one['skewness'], one['kurtosis'] = plain(x.skew()), plain(x.kurt())
    elif kind == 'string':
        x = pd.Series([np.nan if v is None else float(len(v)) for v in values])
        one['lengths'] = [plain(x.min()), plain(x.max()), plain(x.mean()), sum(1 for v in present if v == '')]
    elif kind.startswith(('date', 'timestamp')):
        unit = 86400e6 if kind.startswith('date') else 1e6
        times = pd.to_datetime(pd.Series(values, dtype=object)).astype('datetime64[us]')
        x = times.astype('int64').where(times.notna()).astype('float64') / unit
    if x is not None:
        one['min'], one['max'] = plain(x.min()), plain(x.max())
        one['quantiles'] = [plain(q) for q in x.quantile(shares)]
        if name in edges:
            one['histogram'] = [int(n) for n in np.histogram(x.dropna(), edges[name])[0]]
    found[name] = one
# Far from 0 pandas loses the digits that make the difference.
known = {n: s - s.mean() for n, s in numbers.items() if n != 'huge'}
r = pd.DataFrame(known).corr()
print(json.dumps({
    'columns': found,
    'duplicates': int(pd.DataFrame(frame).astype(str).duplicated().sum()),
    'correlations': {a: {b: plain(r.loc[a, b]) for b in known} for a in known},
}))
`

export interface ByPandas {
  readonly duplicates: number
  readonly correlations: Readonly<Record<string, Readonly<Record<string, number | null>>>>
  readonly columns: Readonly<Record<string, ColumnByPandas>>
}

export interface ColumnByPandas {
  readonly count: number
  readonly nulls: number
  readonly distinct: number
  readonly top: readonly number[]
  readonly nan?: number
  readonly infinite?: number
  readonly zeros?: number
  readonly negative?: number
  readonly mean?: number | null
  readonly std?: number | null
  readonly skewness?: number | null
  readonly kurtosis?: number | null
  readonly lengths?: readonly number[]
  readonly min?: number | null
  readonly max?: number | null
  readonly quantiles?: readonly (number | null)[]
  readonly histogram?: readonly number[]
}
