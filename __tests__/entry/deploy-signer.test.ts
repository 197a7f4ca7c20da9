import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandSigner } from '../../src/entry/deploy-signer.ts'
import { HttpClient } from '../../src/io/http.ts'
import type { TransparencyLog } from '../../src/sigstore/trust/transparency.ts'
import { codeOf } from '../sigstore/support.ts'

/** Nothing here is asked of anybody: what refuses, refuses before a certificate. */
let folder: string
let http: HttpClient
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-deploy-signer-'))
  http = new HttpClient()
})
afterEach(() => {
  http.close()
  rmSync(folder, { recursive: true, force: true })
})

function configOf(host: string): string {
  const service = (name: string, majorApiVersion = 1) => [
    { url: `https://${name}.${host}`, majorApiVersion, operator: host, validFor: { start: '2020-01-01T00:00:00Z' } },
  ]
  const path = join(folder, 'signing_config.json')
  const config = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: service('fulcio'),
    oidcUrls: service('oauth'),
    rekorTlogUrls: service('rekor'),
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: service('timestamp'),
    tsaConfig: { selector: 'ANY' },
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

function signer(claims: object, transparencyLog: TransparencyLog = 'auto', host = 'sigstore.dev') {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const identityTokenFile = join(folder, 'token')
  writeFileSync(identityTokenFile, `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`)
  return commandSigner(
    { identityTokenFile, environment: 'production', folder, env: { HOME: folder } },
    { http, signingConfig: configOf(host), transparencyLog },
  )
}

const PERSON = { iss: 'https://issuer.example', email: 'alice@example.com', email_verified: true }
const PROJECT = { iss: 'https://gitlab.example', sub: 'project_path:acme/app:ref_type:branch:ref:main' }

test.each([
  ['a private repository, though no job is named', { ...PERSON, repository_visibility: 'private' }],
  ['an internal repository', { ...PERSON, repository_visibility: 'internal' }],
  ['a private project of another platform', { ...PROJECT, project_path: 'acme/app', project_visibility: 'private' }],
  ['a visibility that is no text', { ...PERSON, repository_visibility: ['public'] }],
  ['one of two that is not public', { ...PERSON, repository_visibility: 'public', project_visibility: 'internal' }],
  ['a repository of which nothing is said', { ...PROJECT, repository: 'acme/app' }],
  ['a project of which nothing is said', { ...PROJECT, project_path: 'acme/app' }],
])('13-adversary 23: a token is judged by its claim, whatever else it lacks: %s', async (_, claims) => {
  expect(await codeOf(() => signer(claims))).toBe('sigstore/private-repository')
  expect((await signer(claims, 'public')).hand).toBeInstanceOf(Function)
  expect((await signer(claims, 'own', 'example.com')).hand).toBeInstanceOf(Function)
  expect(await codeOf(() => signer(claims, 'own'))).toBe('sigstore/private-repository')
})

test('13-adversary 23: a person and a public project choose nothing', async () => {
  for (const claims of [PERSON, { ...PROJECT, project_path: 'acme/app', project_visibility: 'public' }])
    expect((await signer(claims)).hand).toBeInstanceOf(Function)
})

test('13-adversary 23: own services that are the public ones are refused for a person, too', async () => {
  expect(await codeOf(() => signer(PERSON, 'own'))).toBe('sigstore/private-repository')
})
