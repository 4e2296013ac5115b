import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { TestApi } from './support/api.js'

describe('access to the api', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
  })
  afterAll(() => api.close())

  it('answers /live and /ready without a key, and nothing else', async () => {
    expect((await api.call('GET', '/live', { key: null })).status).toBe(200)
    expect((await api.call('GET', '/ready', { key: null })).status).toBe(200)
    for (const path of ['/health', '/metrics', '/v1/trainings', '/v1/keys']) {
      expect(await api.call('GET', path, { key: null })).toMatchObject({
        status: 401,
        body: { code: 'unauthorized' },
      })
    }
  })

  it('takes a key as bearer token or as X-Api-Key, and refuses one it does not know', async () => {
    const viaHeader = await api.call('GET', '/v1/trainings', {
      key: null,
      headers: { 'x-api-key': 'mlf_viewer' },
    })
    expect(viaHeader.status).toBe(200)
    const unknown = await api.call('GET', '/v1/trainings', { key: 'mlf_other' })
    expect(unknown).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
    expect(unknown.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(unknown.headers.get('content-type')).toMatch('application/problem+json')
  })

  it('refuses an expired key with the time it expired, also once it was remembered as valid', async () => {
    const keys = new KeyStore(api.database.dataSource)
    const past = new Date(Date.now() - 1000)
    await keys.create({ project: 'default', name: 'old', role: 'viewer', key: 'mlf_old', expiresAt: past })
    for (let i = 0; i < 2; i++) {
      const answer = await api.call('GET', '/v1/trainings', { key: 'mlf_old' })
      expect(answer).toMatchObject({
        status: 401,
        body: { code: 'key_expired', expiredAt: past.toISOString() },
      })
    }
  })

  it('names the role that is needed', async () => {
    expect(await api.call('POST', '/v1/trainings', { key: 'mlf_viewer', body: {} })).toMatchObject({
      status: 403,
      body: { code: 'forbidden', needed: 'operator', role: 'viewer' },
    })
    expect(await api.call('GET', '/v1/keys')).toMatchObject({ status: 403, body: { needed: 'admin' } })
  })

  it('makes, lists and revokes keys; a revoked one ends at once', async () => {
    const made = await api.call('POST', '/v1/keys', {
      key: 'mlf_admin',
      body: { name: 'ci', role: 'viewer' },
    })
    expect(made.status).toBe(201)
    const { id, key } = made.body as { id: string; key: string }
    expect((await api.call('GET', '/v1/trainings', { key })).status).toBe(200)
    const again = await api.call('POST', '/v1/keys', {
      key: 'mlf_admin',
      body: { name: 'ci', role: 'viewer' },
    })
    expect(again).toMatchObject({ status: 409, body: { code: 'already_exists' } })
    expect((await api.call('DELETE', `/v1/keys/${id}`, { key: 'mlf_admin' })).status).toBe(204)
    expect((await api.call('GET', '/v1/trainings', { key })).status).toBe(401)
    expect((await api.call('DELETE', `/v1/keys/${id}`, { key: 'mlf_admin' })).status).toBe(404)
    const listed = await api.call('GET', '/v1/keys', { key: 'mlf_admin' })
    expect(JSON.stringify(listed.body)).not.toContain('"ci"')
  })

  it('answers only to its own names, so that no page reaches it by DNS rebinding', async () => {
    const ask = (host: string) => api.app.inject({ url: '/live', headers: { host } })
    expect((await ask('evil.example')).json()).toMatchObject({ status: 403, code: 'host_not_allowed' })
    expect((await ask('localhost:1234')).statusCode).toBe(200)
    expect((await ask('[::1]:80')).statusCode).toBe(200)
    const docs = await api.app.inject({ url: '/docs', headers: { host: 'evil.example' } })
    expect(docs.statusCode).toBe(403)
  })

  it('allows no other origin', async () => {
    const answer = await api.app.inject({
      method: 'OPTIONS',
      url: '/v1/trainings',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    expect(answer.statusCode).toBe(404)
  })

  it('serves its documentation from itself', async () => {
    const page = await fetch(`${api.url}/docs`)
    expect(page.status).toBe(200)
    expect(await page.text()).not.toMatch(/src="https?:/)
    expect((await fetch(`${api.url}/docs/swagger-ui-bundle.js`)).status).toBe(200)
  })

  it('logs requests with id, route, status and time, and never a key or a body', async () => {
    const given = { 'x-request-id': 'my-request.1' }
    const answer = await api.call('POST', '/v1/keys', {
      key: 'mlf_admin',
      body: { name: 'secret-name', role: 'nobody' },
      headers: given,
    })
    expect(answer.headers.get('x-request-id')).toBe('my-request.1')
    expect(answer.body).toMatchObject({ requestId: 'my-request.1' })
    const line = api.log
      .map(each => JSON.parse(each) as Record<string, unknown>)
      .find(each => each['requestId'] === 'my-request.1')
    expect(line).toMatchObject({ method: 'POST', route: '/v1/keys', status: 400, principal: 'key:admin' })
    expect(api.log.join('')).not.toMatch(/mlf_|secret-name/)
  })

  it('says how it is: degraded without Temporal and Redis, and counts requests', async () => {
    const health = await api.call('GET', '/health', { key: 'mlf_viewer' })
    expect(health).toMatchObject({
      status: 200,
      body: { status: 'degraded', parts: { postgres: { status: 'up' }, temporal: { status: 'down' } } },
    })
    const metrics = await api.call('GET', '/metrics', { key: 'mlf_viewer' })
    expect(metrics.body).toMatch(/mlforge_http_request_duration_seconds_count\{method="GET",route="\/health"/)
  })
})
