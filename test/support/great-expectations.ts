import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { virtualenv } from '../../bench/virtualenv.js'

const run = promisify(execFile)

const REQUIREMENTS = ['great_expectations==1.24.1', 'numpy==2.4.6', 'pandas==3.1.1', 'scipy==1.17.1']

const SCRIPT = String.raw`
import json, math, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np, pandas as pd
import great_expectations as gx
from great_expectations.expectations.registry import get_expectation_impl
asked = json.load(open(sys.argv[1]))
context = gx.get_context(mode='ephemeral')
context.variables.progress_bars = {'globally': False}
source = context.data_sources.add_pandas('p')
def series(column):
    values, kind = column['values'], column['type']
    if kind == 'number':
        return pd.Series([None if v is None else float(v) for v in values], dtype='float64')
    if kind == 'integer':
        return pd.Series(values, dtype='Int64' if None in values else 'int64')
    if kind in ('date', 'timestamp'):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object)), dtype='datetime64[us]')
    if kind == 'boolean':
        return pd.Series(values, dtype='object' if None in values else 'bool')
    return pd.Series(values, dtype='object')
batches = {}
for name, columns in asked['tables'].items():
    frame = pd.DataFrame({c['name']: series(c) for c in columns})
    definition = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe('b')
    batches[name] = definition.get_batch(batch_parameters={'dataframe': frame})
def plain(v):
    if isinstance(v, dict): return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple, set)): return [plain(x) for x in v]
    if isinstance(v, np.generic): v = v.item()
    if isinstance(v, pd.Timestamp): return v.isoformat()
    if isinstance(v, float) and not math.isfinite(v): return None
    if v is pd.NA or v is pd.NaT: return None
    return v if v is None or isinstance(v, (bool, int, float, str)) else str(v)
answers = []
for case in asked['cases']:
    try:
        expectation = get_expectation_impl(case['type'])(**case['kwargs'])
        result = batches[case['table']].validate(expectation)
        error = None
        if result.exception_info and 'exception_message' not in result.exception_info:
            error = str(list(result.exception_info.values())[0]['exception_message'])
        elif result.exception_info and result.exception_info['raised_exception']:
            error = str(result.exception_info['exception_message'])
        answers.append({'success': bool(result.success), 'result': plain(result.result), 'error': error})
    except Exception as e:
        answers.append({'success': False, 'result': {}, 'error': repr(e)})
json.dump(answers, open(sys.argv[2], 'w'))
`

const SUITE = String.raw`
import json, sys, warnings
warnings.filterwarnings('ignore')
import great_expectations as gx
from great_expectations.expectations.registry import get_expectation_impl
asked = json.load(open(sys.argv[1]))
context = gx.get_context(mode='ephemeral')
suite = context.suites.add(gx.ExpectationSuite(name=asked['name']))
for one in asked['expectations']:
    suite.add_expectation(get_expectation_impl(one['type'])(**one['kwargs']))
json.dump(suite.to_json_dict(), open(sys.argv[2], 'w'))
`

export interface GreatExpectationsColumn {
  readonly name: string
  readonly type: string
  /** NaN as text, dates as ISO 8601 text. */
  readonly values: readonly unknown[]
}

export interface GreatExpectationsCase {
  readonly table: string
  readonly type: string
  readonly kwargs: Readonly<Record<string, unknown>>
}

export interface GreatExpectationsAnswer {
  readonly success: boolean
  readonly result: Readonly<Record<string, unknown>>
  readonly error: string | null
}

/** What the real great_expectations answers, on pandas, by the order of the cases. */
export async function greatExpectations(
  tables: Readonly<Record<string, readonly GreatExpectationsColumn[]>>,
  cases: readonly GreatExpectationsCase[],
): Promise<GreatExpectationsAnswer[]> {
  return (await ask(SCRIPT, { tables, cases })) as GreatExpectationsAnswer[]
}

/** The JSON of a suite that the real great_expectations makes of these. */
export function greatExpectationsSuite(
  name: string,
  expectations: readonly Omit<GreatExpectationsCase, 'table'>[],
): Promise<unknown> {
  return ask(SUITE, { name, expectations })
}

async function ask(script: string, question: unknown): Promise<unknown> {
  const python = await virtualenv('great-expectations', REQUIREMENTS)
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-gx-'))
  try {
    const [asked, answers] = [join(directory, 'asked.json'), join(directory, 'answers.json')]
    await writeFile(asked, JSON.stringify(question))
    const env = { ...process.env, GX_ANALYTICS_ENABLED: 'false', HOME: directory }
    await run(python, ['-c', script, asked, answers], { maxBuffer: 64 << 20, env, timeout: 300_000 })
    return JSON.parse(await readFile(answers, 'utf8')) as unknown
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
