import { expect } from '@jest/globals'
import type { PipelineRun } from '../../../contracts/rest/pipeline-runs.js'
import { eventually } from '../../support/eventually.js'
import type { Answer, TestApi } from './api.js'

/** Calls around pipelines and their runs. @param api of a test file, which has it once it has begun */
export function pipelineCalls(api: () => TestApi) {
  const calls = {
    async apply(name: string, definition: object): Promise<void> {
      const body = { pipelines: { [name]: definition } }
      const answer = await api().call('POST', '/v1/pipelines', { body, key: 'mlf_admin' })
      expect(answer).toMatchObject({ status: 200 })
    },
    post(name: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> {
      return api().call('POST', `/v1/pipelines/${name}/runs`, { body, headers })
    },
    async start(name: string, definition: object, body: object = {}): Promise<PipelineRun> {
      await calls.apply(name, definition)
      const answer = await calls.post(name, body)
      expect(answer.status).toBe(202)
      return answer.body
    },
    async get(id: string): Promise<PipelineRun> {
      return (await api().call('GET', `/v1/pipeline-runs/${id}`, { key: 'mlf_viewer' })).body
    },
    ended(id: string, status: PipelineRun['status'], attempt = 1): Promise<PipelineRun> {
      return eventually(async () => {
        const run = await calls.get(id)
        expect(run).toMatchObject({ status, attempt })
        return run
      })
    },
    verb(id: string, name: string, body?: unknown, key = 'mlf_operator'): Promise<Answer> {
      const path = `/v1/pipeline-runs/${id}/${name}`
      return api().call('POST', path, { key, ...(body === undefined ? {} : { body }) })
    },
  }
  return calls
}

/** All that is wrong with a request. */
export function problemsOf({ body }: Answer): { at: string; message: string }[] {
  return (body as { problems: { at: string; message: string }[] }).problems
}
