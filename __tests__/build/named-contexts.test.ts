import { contextFlags } from '../../src/build/named-contexts.ts'
import { asWaybillError } from '../../src/core/error.ts'
import { request } from './support.ts'

const IMAGE = `docker-image://ghcr.io/acme/tools:1@sha256:${'a'.repeat(64)}`

test('contexts of an open build are those of the request, of a closed one those that are allowed', () => {
  const contexts = new Map([['lib', '/run/materials/lib']])
  expect(contextFlags(request({ contexts }))).toEqual(['--build-context=lib=/run/materials/lib'])
  const allowed = { images: [], urls: [], repositories: [], contexts: new Map([['tools', IMAGE]]), pulls: [] }
  expect(contextFlags(request({ contexts, allowed }))).toEqual([`--build-context=tools=${IMAGE}`])
  expect(contextFlags(request({}))).toEqual([])
})

test.each([
  ['tools', 'docker-image://ghcr.io/acme/tools:1'],
  ['tools', 'https://dl.example/tools.tar'],
  ['tools', 'oci-layout:///tmp/x'],
  ['tools', 'relative/folder'],
  ['--privileged', '/run/x'],
  ['a=b', '/run/x'],
  ['', '/run/x'],
])('the context %j = %j is refused: it names what could change, or something else than a context', (name, source) => {
  const given = () => contextFlags(request({ contexts: new Map([[name, source]]) }))
  expect(asWaybillError(thrown(given)).code).toBe('build/request-malformed')
})

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
