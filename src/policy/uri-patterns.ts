import { isHostName } from './image-name.ts'
import { MAX_PATTERN } from './match.ts'
import type { UriPattern } from './material-rules.ts'
import { asciiOf, distinctList, type Field, type Reading, wrong } from './read.ts'
import { compileUriPattern, isCanonicalUri, isLoopback } from './uri-pattern.ts'

const FORMS = 'https://host/**, git+https://host/**@** or artifact://owner/**'
const FORM = /^((?:git\+)?https?|artifact):\/\/([^/]*)(\/.*)?$/

type Never = (why: string, expected: string) => Error

/** One or more patterns of URIs of materials. One that no canonical URI could match is refused with the spelling to use. */
export function uriPatterns(reading: Reading, field: Field): readonly [UriPattern, ...UriPattern[]] {
  const [first, ...more] = distinctList(reading, field)
  return [uriPattern(reading, first), ...more.map(item => uriPattern(reading, item))]
}

function uriPattern(reading: Reading, field: Field): UriPattern {
  const text = asciiOf(reading, field)
  const never: Never = (why, expected) => wrong(reading, field, `can never match: ${why}`, expected, text)
  if (text.startsWith('docker-image://')) throw never('images are matched by base-images', 'base-images: [{match: …}]')
  const [, scheme, host = '', path = ''] = FORM.exec(text) ?? []
  if (scheme === undefined) throw never('scheme and host are literal', FORMS)
  if (host.includes('*')) throw never('the host is literal; no rule is for every host', FORMS)
  if (host.includes('@')) throw never('a login is no part of it', text.replace(/\/\/[^/]*@/, '//'))
  if (/[#\\\s]/.test(text)) throw never('it holds a space, "#" or "\\"', FORMS)
  if (path === '' || path === '/') throw never('it names nothing on the host', `${scheme}://${host}/**`)
  if (scheme === 'artifact') checkArtifact(host, path, never)
  else checkHost(scheme, host, path, never)
  if (scheme.startsWith('git+')) checkGit(text, path, never)
  if (scheme !== 'artifact') checkSample(text, never)
  const pattern = compileUriPattern(text)
  if (pattern === undefined)
    throw wrong(reading, field, 'is not a pattern', `at most ${MAX_PATTERN} characters, * or **`, text)
  return pattern
}

function checkHost(scheme: string, host: string, path: string, never: Never): void {
  const protocol = scheme.replace('git+', '')
  const address = `${protocol}://${host}/`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.hostname === '') throw never('this is no host', FORMS)
  if (url.hostname.endsWith('.'))
    throw never('the trailing dot is dropped', `${scheme}://${url.host.replace(/\.(?=:|$)/, '')}${path}`)
  if (!isHostName(url.hostname)) throw never('this is no host', FORMS)
  if (url.host !== host) throw never('the host has one spelling', `${scheme}://${url.host}${path}`)
  if (protocol === 'http' && !isLoopback(url))
    throw never('http is for this machine alone', `${scheme}s://${host}${path}`)
}

/** Owner, repository, workflow file and file; `**` may stand for several of them. */
function checkArtifact(owner: string, path: string, never: Never): void {
  const form = 'artifact://owner/repository/workflow.yml/file'
  const segments = path.slice(1).split('/')
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(owner)) throw never('this is no owner', form)
  if (!segments.every(segment => /^[A-Za-z0-9_*][A-Za-z0-9._*-]*$/.test(segment))) throw never('this is no name', form)
  if (path.includes('**')) return
  if (segments.length !== 3) throw never('it has another number of parts', form)
  if (!/(?:\.ya?ml|\*)$/.test(segments[1] ?? '')) throw never('its third part is no workflow file', form)
}

/** The ref is part of the URI, since it says what is taken in. */
function checkGit(text: string, path: string, never: Never): void {
  if (path.includes('?')) throw never('a git repository has no query', text.replace(/\?.*/, ''))
  if (!path.includes('@') && !path.endsWith('*')) throw never('the ref is part of the URI', `${text}@**`)
}

/** The pattern with a letter for each star has to be a URI in its one spelling. */
function checkSample(text: string, never: Never): void {
  const filled = text.replace(/\*+/g, 'x')
  const sample = filled.startsWith('git+') && !filled.includes('@') ? `${filled}@x` : filled
  if (isCanonicalUri(sample)) return
  throw never('it is not in the one spelling of a URI', spelled(text) ?? FORMS)
}

function spelled(text: string): string | undefined {
  const git = text.startsWith('git+')
  const address = git ? text.slice('git+'.length) : text
  const href = URL.canParse(address) ? `${git ? 'git+' : ''}${new URL(address).href}` : undefined
  return href === text ? undefined : href
}
