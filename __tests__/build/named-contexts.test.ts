import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { contextFlags, readContexts } from '../../src/build/named-contexts.ts'
import { checkRequest } from '../../src/build/request.ts'
import { errorOf, request, temporaryFolder, tree } from './support.ts'

const IMAGE = `docker-image://ghcr.io/acme/tools:1@sha256:${'a'.repeat(64)}`
const NOTHING = { images: [], urls: [], repositories: [], pulls: [] }

test('contexts of an open build are those of the request, of a closed one those that are allowed', () => {
  const contexts = new Map([['lib', '/run/materials/lib']])
  expect(contextFlags(request({ contexts }))).toEqual(['--build-context=lib=/run/materials/lib'])
  const allowed = { ...NOTHING, contexts: new Map([['tools', IMAGE]]) }
  expect(contextFlags(request({ contexts, allowed }))).toEqual([`--build-context=tools=${IMAGE}`])
  expect(contextFlags(request({}))).toEqual([])
})

test('an image by its tag is a context only where nobody closed the build, as in FROM', async () => {
  const contexts = new Map([['tools', 'docker-image://ghcr.io/acme/tools:1']])
  expect(contextFlags(request({ contexts }))).toEqual(['--build-context=tools=docker-image://ghcr.io/acme/tools:1'])
  const closed = () => contextFlags(request({ allowed: { ...NOTHING, contexts } }))
  expect((await errorOf(closed)).code).toBe('build/request-malformed')
})

test.each([
  ['tools', 'https://dl.example/tools.tar'],
  ['tools', 'oci-layout:///tmp/x'],
  ['tools', 'relative/folder'],
  ['tools', 'docker-image://'],
  ['tools', 'docker-image://a.example/x,y'],
  ['--privileged', '/run/x'],
  ['a=b', '/run/x'],
  ['', '/run/x'],
])('the flag %j = %j is refused', async (name, source) => {
  const given = () => contextFlags(request({ contexts: new Map([[name, source]]) }))
  expect((await errorOf(given)).code).toBe('build/request-malformed')
})

test('a context is read as a folder of the commit or as an image, in one spelling', () => {
  const given = new Map([
    ['lib', './shared//lib/'],
    ['all', '.'],
    ['golang:1', 'docker-image://golang'],
    ['tools', `docker-image://GHCR.io/acme/tools:1@sha256:${'a'.repeat(64)}`],
  ])
  expect([...readContexts(given)]).toEqual([
    ['lib', 'commit:shared/lib'],
    ['all', 'commit:.'],
    ['golang:1', 'docker-image://docker.io/library/golang:latest'],
    ['tools', IMAGE],
  ])
})

test.each([
  ['lib', 'https://github.com/acme/lib.git', 'build/context-refused'],
  ['lib', 'git@github.com:acme/lib.git', 'build/context-refused'],
  ['lib', 'git://github.com/acme/lib', 'build/context-refused'],
  ['lib', 'oci-layout:///tmp/x', 'build/context-refused'],
  ['lib', 'target:base', 'build/context-refused'],
  ['lib', 'commit:x', 'build/context-refused'],
  ['lib', 'docker-image:x', 'build/context-refused'],
  ['lib', 'DOCKER-IMAGE://x', 'build/context-refused'],
  ['lib', '/etc', 'build/path-escapes'],
  ['lib', '../x', 'build/path-escapes'],
  ['lib', 'a/../../x', 'build/path-escapes'],
  ['lib', 'a\\b', 'build/path-escapes'],
  ['lib', 'docker-image://a.example/X', 'registry/reference-malformed'],
  ['-lib', 'lib', 'build/request-malformed'],
  ['a b', 'lib', 'build/request-malformed'],
  ['a=b', 'lib', 'build/request-malformed'],
])('the context %j = %j is refused: %s', async (name, value, code) => {
  const error = await errorOf(() => readContexts(new Map([[name, value]])))
  expect(error.code).toBe(code)
  expect(error.remedy).toBeTruthy()
})

test('two spellings of one name are one name', async () => {
  const given = new Map([
    ['alpine', 'a'],
    ['docker.io/library/alpine:latest', 'b'],
  ])
  expect((await errorOf(() => readContexts(given))).code).toBe('build/context-refused')
})

test('13-adversary 14: a symbolic link in the commit cannot make a folder of the machine a named context', async () => {
  const commitFolder = tree({ Dockerfile: 'FROM scratch\n' })
  symlinkSync(temporaryFolder(), join(commitFolder, 'lib'))
  const asked = request({ commitFolder, contexts: readContexts(new Map([['lib', 'lib']])) })
  expect((await errorOf(checkRequest(asked, []))).code).toBe('build/path-escapes')
})
