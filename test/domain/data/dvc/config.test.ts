import { describe, expect, it } from '@jest/globals'
import {
  canBeDvcRemote,
  dvcConfigText,
  dvcRemote,
  isDirectoryUrl,
  readDvcConfig,
  withoutCredentials,
} from '../../../../domain/data/dvc/config.js'

const CONFIG = `# ours
[core]
    Remote = Shared   # the default
    autostage = true
[cache]
    dir = /mnt/cache
['remote "shared"']
    url = ../storage
["remote \\"other\\""]
    url = "/a # b"
['remote "Cloud"']
    url = s3://bucket/dvc
    region = eu-central-1
['remote "below"']
    url = remote://cloud/below
    endpointurl = http://127.0.0.1:9000
['remote "lost"']
    url = remote://nowhere
['remote "circle"']
    url = remote://circle/x
`

const NONE = [undefined, undefined, undefined]

describe('the configuration of DVC', () => {
  it('says where objects are', () => {
    const config = readDvcConfig([CONFIG])
    expect(config).toMatchObject({ cacheDirectory: '/mnt/cache', defaultRemote: 'Shared' })
    const urls = ['Shared', 'cloud', 'below', 'lost', 'circle', 'nothing'].map(
      name => dvcRemote(config, name)?.url,
    )
    expect(urls).toEqual(['../storage', 's3://bucket/dvc', 's3://bucket/dvc/below', ...NONE])
    // What is below another one has its settings, and its own before them.
    expect(dvcRemote(config, 'below')!.settings.get('region')).toBe('eu-central-1')
    expect(dvcRemote(config, 'below')!.settings.get('endpointurl')).toBe('http://127.0.0.1:9000')
  })

  it('is overridden by what comes later', () => {
    const local = `[core]\nremote=mine\n['remote "shared"']\nurl = "/a # b"\n`
    const config = readDvcConfig([CONFIG, local])
    expect(config.defaultRemote).toBe('mine')
    expect(dvcRemote(config, 'shared')!.url).toBe('/a # b')
  })

  it('may say nothing', () => {
    expect(readDvcConfig(['', '\n# nothing\n'])).toEqual({
      cacheDirectory: null,
      defaultRemote: null,
      remotes: new Map(),
    })
  })

  it.each(['/a/b', '/a # "b", c', "/it's", '/a = b'])('is written so that %j is read again', directory => {
    expect(canBeDvcRemote(directory)).toBe(true)
    const config = readDvcConfig([dvcConfigText('mine', directory)])
    expect(dvcRemote(config, config.defaultRemote!)!.url).toBe(directory)
  })

  it.each(['/%(home)s', '/${home}', '/a\nb', `/"it's"`])('cannot hold %j', directory => {
    expect(canBeDvcRemote(directory)).toBe(false)
  })

  it.each([
    ['/a', true],
    ['../a', true],
    ['~/a', true],
    ['s3://a', false],
    ['ssh://a/b', false],
    ['webdavs://a', false],
  ])('%s is a directory: %s', (url, is) => expect(isDirectoryUrl(url)).toBe(is))

  it.each([
    ['s3://bucket/dvc', 's3://bucket/dvc'],
    ['ssh://host:22/a@b', 'ssh://host:22/a@b'],
    ['ssh://ada@host:22/a', 'ssh://host:22/a'],
    ['https://ada:hush@host/a@b', 'https://host/a@b'],
    ['https://ada@x.org:hush@host', 'https://host'],
    ['https://ada:hu/sh@host/a', 'https://host/a'],
    ['azure://container/a?sig=hush', 'azure://container/a…'],
    ['http://host/a#hush', 'http://host/a…'],
    ['/a:hush@b', '/a:hush@b'],
    [
      's3://b at http://ada:hush@host:1/: refused (http://ada:hush@host)',
      's3://b at http://host:1/: refused (http://host)',
    ],
  ])('%s can be shown as %s', (text, shown) => expect(withoutCredentials(text)).toBe(shown))
})
