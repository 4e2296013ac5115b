import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/ports.js'
import { eventually } from '../../test/support/eventually.js'
import { virtualenv } from '../virtualenv.js'

const REQUIREMENTS = [
  'fastapi==0.121.0',
  'httptools==0.7.1',
  'numpy==2.4.6',
  'onnxruntime==1.32.0',
  'pydantic==2.12.4',
  'uvicorn==0.38.0',
  'uvloop==0.22.1',
]

/** One row, checked by pydantic and scored on the event loop, which for so short a run is the fastest way. */
const app = (features: readonly string[]): string => `
import os
import numpy as np, onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = ort.InferenceSession(os.environ['MODEL'], options)
name, output = session.get_inputs()[0].name, session.get_outputs()[0].name

class Features(BaseModel):
    model_config = ConfigDict(extra='forbid', strict=True)
${features.map(feature => `    ${feature}: float`).join('\n')}

class Row(BaseModel):
    model_config = ConfigDict(extra='forbid')
    id: str = Field(min_length=1, max_length=200)
    features: Features

class Request(BaseModel):
    rows: list[Row] = Field(min_length=1, max_length=1000)

class Prediction(BaseModel):
    id: str
    version: int
    value: float

class Response(BaseModel):
    deployment: str
    revision: int
    predictions: list[Prediction]

app = FastAPI()

@app.post('/v1/deployments/bike/predict')
async def predict(request: Request) -> Response:
    values = np.array([[${features.map(feature => `row.features.${feature}`).join(', ')}] for row in request.rows], dtype=np.float32)
    outputs = session.run([output], {name: values})[0].ravel().tolist()
    predictions = [Prediction(id=row.id, version=1, value=value) for row, value in zip(request.rows, outputs)]
    return Response(deployment='bike', revision=1, predictions=predictions)
`

export interface Peer {
  readonly ports: readonly number[]
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** FastAPI under uvicorn with uvloop and httptools, one process for each port, without a log and without keys. */
export async function startPeer(
  directory: string,
  model: string,
  features: readonly string[],
  processes: number,
): Promise<Peer> {
  const python = await virtualenv('predict', REQUIREMENTS)
  await writeFile(join(directory, 'peer.py'), app(features))
  const ports: number[] = []
  const children: ChildProcess[] = []
  for (let i = 0; i < processes; i++) {
    const port = await freePort()
    const options = ['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning']
    children.push(
      spawn(
        python,
        ['-m', 'uvicorn', 'peer:app', '--host', '127.0.0.1', '--port', String(port), ...options],
        {
          cwd: directory,
          env: { PATH: process.env['PATH'], MODEL: model },
          stdio: 'inherit',
        },
      ),
    )
    await eventually(async () => void (await fetch(`http://127.0.0.1:${port}/docs`)), { deadlineMs: 30_000 })
    ports.push(port)
  }
  return {
    ports,
    pids: children.map(child => child.pid!),
    stop: async () => {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}
