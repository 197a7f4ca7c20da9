import { WaybillError } from '../../core/error.ts'
import { formatReference, parseReference } from '../../registry/reference.ts'
import type { FieldReader } from './fields.ts'
import type { MaterialUri } from './item.ts'
import type { Field } from './yaml.ts'

const FORMS = 'https://…, docker-image://…, git+https://…@ref or artifact://owner/repository/workflow.yml/file'
const NAME = '[A-Za-z0-9_][A-Za-z0-9._-]*'
const ARTIFACT = new RegExp(`^artifact://(${NAME}/${NAME})/(${NAME}\\.ya?ml)/(${NAME})$`)

/** Two spellings of one place would let a rule be walked around, or name one thing twice (13-adversary 34). */
export function readUri(reader: FieldReader, field: Field): MaterialUri {
  const text = reader.text(field)
  if (text.startsWith('docker-image://')) return imageUri(reader, field, text.slice('docker-image://'.length))
  if (/^git\+https?:/.test(text)) return gitUri(reader, field, text.slice('git+'.length))
  if (text.startsWith('artifact://')) {
    const [, repository = '', workflow = '', file = ''] = ARTIFACT.exec(text) ?? []
    if (file === '') throw reader.wrong(field, 'is no artifact of a workflow', FORMS, text)
    return { kind: 'artifact', canonical: text, repository, workflow, file }
  }
  return { kind: 'url', canonical: readUrl(reader, field, text) }
}

/** https, and http on this machine; without a login and a fragment. */
export function readUrl(reader: FieldReader, field: Field, text = reader.text(field)): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const loopback = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && loopback)))
    throw reader.wrong(field, 'is no address that can be fetched', FORMS, text)
  if (url.username !== '' || url.password !== '')
    throw reader.wrong(field, 'holds a login', 'none: it would be published')
  if (/[#\\\s]/.test(text) || url.hostname.endsWith('.'))
    throw reader.wrong(field, 'has a second spelling', url.href, text)
  return url.href
}

function imageUri(reader: FieldReader, field: Field, text: string): MaterialUri {
  try {
    const reference = parseReference(text)
    if (reference.digest !== undefined) throw reader.wrong(field, 'holds a digest', 'the digest under digest')
    const canonical = formatReference({ ...reference, tag: reference.tag ?? 'latest' })
    return { kind: 'image', canonical: `docker-image://${canonical}`, reference: canonical }
  } catch (error) {
    if (error instanceof WaybillError && error.code === 'registry/reference-malformed')
      throw reader.wrong(field, 'is no image reference', error.expected, text)
    throw error
  }
}

function gitUri(reader: FieldReader, field: Field, text: string): MaterialUri {
  const at = text.lastIndexOf('@')
  const ref = at === -1 ? '' : text.slice(at + 1)
  // As git check-ref-format, and no option.
  if (
    !/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(ref) ||
    ref.includes('..') ||
    ref.includes('//') ||
    /[./]$|\.lock$/.test(ref)
  )
    throw reader.wrong(field, 'names no tag, branch or commit', 'git+https://host/repository@ref', text)
  const remote = readUrl(reader, field, text.slice(0, at))
  return { kind: 'git', canonical: `git+${remote}@${ref}`, remote, ref }
}
