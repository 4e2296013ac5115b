import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { virtualenv } from '../../bench/virtualenv.js'

const run = promisify(execFile)

const REQUIREMENTS = ['scikit-learn==1.9.1', 'numpy==2.4.6', 'scipy==1.17.1']

const SCRIPT = String.raw`
import json, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np
from sklearn import preprocessing as p
from sklearn.impute import SimpleImputer
asked = json.load(open(sys.argv[1]))
def plain(v):
    v = v.item() if isinstance(v, np.generic) else v
    return None if v is None or v != v else v
answers = []
for case in asked:
    kind = SimpleImputer if case['class'] == 'SimpleImputer' else getattr(p, case['class'])
    given = dict(case['parameters'])
    if case['numeric']:
        read = lambda rows: np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)
    else:
        read = lambda rows: np.array([list(row) for row in rows], dtype=object)
    made = kind(**given)
    fitted = read(case['fit'])
    if case.get('target') is None: made.fit(fitted)
    else: made.fit(fitted, np.array(case['target'], dtype=float))
    answer = made.transform(read(case['apply']))
    if hasattr(answer, 'toarray'): answer = answer.toarray()
    answers.append([[plain(v) for v in row] for row in answer])
json.dump(answers, open(sys.argv[2], 'w'))
`

export interface ScikitLearnCase {
  readonly class: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Rows; numbers, or else any values. */
  readonly fit: readonly (readonly unknown[])[]
  readonly apply: readonly (readonly unknown[])[]
  readonly numeric: boolean
  readonly target?: readonly number[]
}

/** What the real scikit-learn makes of rows after a fit, by the order of the cases; null for NaN. */
export async function scikitLearn(cases: readonly ScikitLearnCase[]): Promise<unknown[][][]> {
  const python = await virtualenv('scikit-learn', REQUIREMENTS)
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-sklearn-'))
  try {
    const [asked, answers] = [join(directory, 'asked.json'), join(directory, 'answers.json')]
    await writeFile(asked, JSON.stringify(cases))
    await run(python, ['-c', SCRIPT, asked, answers], { timeout: 300_000 })
    return JSON.parse(await readFile(answers, 'utf8')) as unknown[][][]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
