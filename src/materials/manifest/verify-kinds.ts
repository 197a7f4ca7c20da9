import type { FieldReader } from './fields.ts'
import type { GithubProof, KeySource, MaterialUri, Verify } from './item.ts'
import { readUrl } from './uri.ts'
import { safePath } from './use.ts'
import type { Field } from './yaml.ts'

const KINDS = ['openpgp', 'ssh', 'minisign', 'sigstore', 'github', 'checksums', 'git']
/** Of a checksum file: what can sign a file that lies beside another one. */
const DETACHED = ['openpgp', 'ssh', 'minisign', 'sigstore']

interface Subject {
  readonly reader: FieldReader
  /** What `{uri}` stands for. */
  readonly address: string
  readonly uri: MaterialUri
}

export function readVerify(reader: FieldReader, field: Field, uri: MaterialUri): Verify {
  const subject = { reader, uri, address: uri.canonical }
  const verify = verifyOf(subject, field, KINDS)
  const fits = { url: KINDS.filter(kind => kind !== 'git'), image: [], git: ['git'], artifact: ['github'] }[uri.kind]
  if (fits.some(kind => kind === verify.kind)) return verify
  throw reader.wrong(
    field,
    'does not fit what the uri names',
    fits.length === 0 ? 'no verify: the policy’s base-images decide about images' : fits.join(', '),
    verify.kind,
  )
}

function verifyOf(subject: Subject, field: Field, kinds: readonly string[]): Verify {
  const { reader } = subject
  const [kind, value] = reader.onlyEntry(field, kinds)
  if (kind === 'github') return { kind, ...githubOf(subject, value) }
  if (kind === 'checksums') return checksumsOf(subject, value)
  if (kind === 'sigstore') {
    const fields = reader.map(value, ['bundle', 'identity', 'issuer'])
    return {
      kind,
      bundle: addressOf(subject, reader.required(value, fields, 'bundle')),
      identity: reader.text(reader.required(value, fields, 'identity')),
      issuer: readUrl(reader, reader.required(value, fields, 'issuer')).replace(/\/$/, ''),
    }
  }
  if (kind === 'git') {
    const fields = reader.map(value, ['key'])
    return { kind, key: keyOf(reader, reader.required(value, fields, 'key')) }
  }
  const fields = reader.map(value, kind === 'ssh' ? ['signature', 'key', 'namespace'] : ['signature', 'key'])
  const signature = addressOf(subject, reader.required(value, fields, 'signature'))
  const key = keyOf(reader, reader.required(value, fields, 'key'))
  if (kind !== 'ssh') return { kind: kind === 'openpgp' ? 'openpgp' : 'minisign', signature, key }
  // The namespace keeps a signature for another purpose from counting here.
  const namespace = reader.matching(reader.required(value, fields, 'namespace'), /^[A-Za-z0-9@._/-]{1,100}$/, 'file')
  return { kind, signature, key, namespace }
}

/** A name in the policy's `material-keys`, or `{file: …}` of the judged commit. */
function keyOf(reader: FieldReader, field: Field): KeySource {
  if (typeof field.value === 'string')
    return {
      from: 'policy',
      name: reader.matching(field, /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a name in material-keys'),
    }
  const fields = reader.map(field, ['file'])
  return { from: 'commit', file: safePath(reader, reader.required(field, fields, 'file')) }
}

function addressOf({ reader, address }: Subject, field: Field): string {
  const text = reader.text(field)
  if (/[{}]/.test(text.replace('{uri}', ''))) throw reader.wrong(field, 'has a placeholder that is not known', '{uri}')
  return readUrl(
    reader,
    field,
    text.replace('{uri}', () => address),
  )
}

function checksumsOf(subject: Subject, field: Field): Verify {
  const { reader, uri } = subject
  const fields = reader.map(field, ['file', 'entry', 'verify'])
  const file = addressOf(subject, reader.required(field, fields, 'file'))
  const entry = fields.get('entry')
  const last = new URL(uri.canonical).pathname.split('/').at(-1) ?? ''
  const name = entry === undefined ? last : reader.text(entry)
  if (name === '') throw reader.wrong(field, 'names no entry of the file', 'entry: …')
  // In the inner one `{uri}` is the checksum file. Unsigned, it would say no more than the digest in the manifest.
  const inner = { ...subject, address: file }
  return {
    kind: 'checksums',
    file,
    entry: name,
    verify: verifyOf(inner, reader.required(field, fields, 'verify'), DETACHED),
  }
}

/** Everything is mandatory: a workflow of that name on another ref, of another event, or of a re-created repository is another. */
function githubOf({ reader, uri }: Subject, field: Field): GithubProof {
  const keys = ['repository', 'repository-id', 'signer', 'source-ref', 'trigger']
  const fields = reader.map(field, keys)
  const at = (key: string) => reader.required(field, fields, key)
  const repository = reader.matching(at('repository'), /^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/, 'owner/repository')
  if (uri.kind === 'artifact' && uri.repository !== repository)
    throw reader.wrong(at('repository'), 'is another repository than that of the uri', uri.repository, repository)
  const signer = reader.matching(
    at('signer'),
    /^[^\s@*]+\/\.github\/workflows\/[^\s@*]+@(?:refs\/(?:heads|tags)\/[^\s*]+|[0-9a-f]{40})$/,
    SIGNER,
  )
  if (uri.kind === 'artifact' && !signer.startsWith(`${repository}/.github/workflows/${uri.workflow}@`))
    throw reader.wrong(at('signer'), 'is another workflow than that of the uri', uri.workflow, signer)
  const sourceRef = reader
    .list(at('source-ref'), 20)
    .map(ref => reader.matching(ref, /^refs\/(?:heads|tags)\/[^\s*]+$/, 'refs/heads/…'))
  const trigger = reader.list(at('trigger'), 10).map(event => reader.matching(event, /^[a-z_]+$/, 'push'))
  // Others can be started by people who may not push, or run with a foreign tree.
  if (uri.kind === 'artifact' && trigger.some(event => event !== 'push'))
    throw reader.wrong(at('trigger'), 'names another event than push', '[push]', trigger.join(', '))
  return {
    repository,
    repositoryId: reader.integer(at('repository-id'), Number.MAX_SAFE_INTEGER),
    signer,
    sourceRef,
    trigger,
  }
}

const SIGNER = 'owner/repository/.github/workflows/file.yml@refs/heads/main, or a commit'
