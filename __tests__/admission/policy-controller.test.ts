import { parse } from 'yaml'
import type { AdmissionFile } from '../../src/admission/link.ts'
import { admissionOf } from '../../src/admission/links.ts'
import { clusterImagePolicies } from '../../src/admission/policy-controller.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { errorOf } from '../policy/world.ts'
import { lawOf, URI } from './world.ts'

const ISSUER = 'https://token.actions.githubusercontent.com'
const person = (identity: string, more = '') =>
  `{match: ghcr.io/acme/app, ${more}build: {sigstore: {identity: ${identity}, issuer: "${ISSUER}"}}, require: [signature]}`

function files(rule: string, root: object = {}): readonly AdmissionFile[] {
  const law = lawOf([rule], '', { 'root.json': JSON.stringify(root) })
  const policy = { uri: URI, digest: law.policyDigest }
  return clusterImagePolicies(admissionOf(law.policy, policy), {
    policy,
    command: 'waybill policy generate',
    files: law.files,
    githubRoot: utf8('{"signatures": []}'),
    namespaces: [],
  })
}

interface Authority {
  readonly keyless: { readonly identities: readonly [Readonly<Record<string, string>>] }
}

function authority(rule: string, root?: object): Authority {
  const file = files(rule, root).find(({ name }) => name.startsWith('clusterimagepolicy-'))
  const { spec } = parse(file?.text ?? '') as { readonly spec: { readonly authorities: readonly [Authority] } }
  return spec.authorities[0]
}

describe('13-adversary 28: who signed', () => {
  test('an identity is compared to the letter', () => {
    expect(authority(person('alice@example.com')).keyless.identities).toEqual([
      { issuer: ISSUER, subject: 'alice@example.com' },
    ])
  })

  test.each([
    ['https://github.com/acme/', 'https://github.com/acme/x.yml@refs/heads/main', true],
    ['https://github.com/acme/', `https://github.com/acme/x.yml@${'a'.repeat(40)}`, true],
    ['https://github.com/acme/', 'https://github.com/acme/plain', true],
    ['https://github.com/acme/', 'https://github.com/acme/x.yml@refs/pull/1/merge', false],
    ['https://github.com/acme/', 'https://github.com/acme/x.yml@refs/pull/1/merge@refs/heads/main', false],
    ['https://github.com/acme/', 'https://github.com/acme-evil/x.yml@refs/heads/main', false],
    ['https://github.com/acme/', 'https://githubXcom/acme/x.yml@refs/heads/main', false],
    ['https://github.com/acme/', 'see https://github.com/acme/x.yml@refs/heads/main', false],
    ['https://github.com/acme/x.yml@refs/', 'https://github.com/acme/x.yml@refs/tags/v1', true],
    ['https://github.com/acme/x.yml@refs/', 'https://github.com/acme/x.yml@refs/pull/1/merge', false],
    ['https://github.com/acme/x.yml@refs/heads/', 'https://github.com/acme/x.yml@refs/heads/a', true],
  ])('below %s, %s: %s', (prefix, san, admitted) => {
    const [{ subjectRegExp = '' }] = authority(person(`{prefix: "${prefix}"}`)).keyless.identities
    expect(new RegExp(subjectRegExp.replaceAll('(?s:.*)', '[^]*')).test(san)).toBe(admitted)
  })

  test('a prefix of pull requests, and a key, are refused', () => {
    const pull = person('{prefix: "https://github.com/acme/x.yml@refs/pull/"}')
    expect(errorOf(() => files(pull)).code).toBe('policy/not-expressible')
    const keyed = '{match: ghcr.io/acme/app, build: {key: release.pem}, require: [signature]}'
    expect(errorOf(() => files(keyed)).code).toBe('policy/not-expressible')
  })
})

const CHAIN = { certificates: [{ rawBytes: Buffer.from('a certificate').toString('base64') }] }
const authorityOf = (uri: string, validFor: object = { start: '2026-01-01T00:00:00Z' }) => ({
  subject: { organization: 'acme', commonName: uri },
  uri,
  certChain: CHAIN,
  validFor,
})
const OWN = {
  certificateAuthorities: [
    authorityOf('https://ca.example'),
    authorityOf('https://old.example', { end: '2026-02-01T00:00:00Z' }),
  ],
  timestampAuthorities: [authorityOf('https://tsa.example')],
  tlogs: [{}],
}

describe('13-adversary 29: one root', () => {
  const own = person('alice@example.com', 'trust: {file: root.json}, ')

  test('of one’s own it is a TrustRoot with what this engine can use, and every policy says what it cannot', () => {
    const [policy, , root] = files(own, OWN)
    const { metadata, spec } = parse(root?.text ?? '') as {
      readonly metadata: { readonly name: string }
      readonly spec: { readonly sigstoreKeys: Readonly<Record<string, readonly { readonly uri: string }[]>> }
    }
    expect(Object.keys(spec.sigstoreKeys)).toEqual(['certificateAuthorities', 'timestampAuthorities'])
    expect(spec.sigstoreKeys.certificateAuthorities?.map(({ uri }) => uri)).toEqual(['https://ca.example'])
    expect(policy?.text).toContain('# policy-controller cannot use the transparency logs of root.json')
    expect(authority(own, OWN)).toMatchObject({
      keyless: { url: 'https://ca.example', trustRootRef: metadata.name, insecureIgnoreSCT: true },
      rfc3161timestamp: { trustRootRef: metadata.name },
    })
  })

  test('without an authority for timestamps it is refused', () => {
    const { timestampAuthorities: _none, ...rest } = OWN
    expect(errorOf(() => files(own, rest)).code).toBe('policy/not-expressible')
    const ended = {
      ...OWN,
      timestampAuthorities: [authorityOf('https://tsa.example', { end: '2026-02-01T00:00:00Z' })],
    }
    expect(errorOf(() => files(own, ended)).code).toBe('policy/not-expressible')
  })

  test('of GitHub it is the repository of its own, with the root that is known here', () => {
    const root = files(person('alice@example.com', 'trust: github, ')).find(({ name }) => name.startsWith('trustroot-'))
    expect((parse(root?.text ?? '') as { readonly spec: object }).spec).toEqual({
      remote: {
        mirror: 'https://tuf-repo.github.com',
        root: Buffer.from('{"signatures": []}').toString('base64'),
      },
    })
  })

  test('the public one is built in, with its log', () => {
    expect(authority(person('alice@example.com'))).toMatchObject({
      keyless: { url: 'https://fulcio.sigstore.dev' },
      ctlog: { url: 'https://rekor.sigstore.dev' },
    })
  })
})

test('names of objects are names, whatever the pattern', () => {
  for (const { name } of files(person('alice@example.com').replace('ghcr.io/acme/app', '"ghcr.io/a_b.c/**/x--*"')))
    expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?\.yaml$/)
})
