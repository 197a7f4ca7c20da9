import { utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { JsonObject } from '../core/json.ts'
import { parseReference } from '../registry/reference.ts'
import type { AllowedImage, AllowedMaterials, AllowedRepository, AllowedUrl } from './allowed.ts'
import { gitLocation, imageIdentifier, pinnedIdentifier } from './source-identifiers.ts'

/**
 * BuildKit's source policy for a closed world.
 *
 *     {"version": 1, "rules": [{"action": "DENY" | "ALLOW" | "CONVERT", "selector": {…}, "updates": {…}}, …]}
 *
 * Of the rules that match, the last one decides; a CONVERT that changes something begins again with what it made. So: deny
 * everything, allow each source in exactly the form in which its bytes are fixed, and convert every other form into that one.
 * A named context opens nothing by itself: it is a folder of this run, or an image that was judged and stands among the images.
 *
 * Traps, each run with BuildKit 0.26.3: a CONVERT whose selector is EXACT ignores `updates.identifier`; the replacement of a REGEX
 * knows `$1`; an identifier is all that is compared, so attributes (checksum, the remote behind a repository) are constraints.
 * Source: BuildKit 0.26.3 `sourcepolicy/`, `docs/build-repro.md`.
 * @throws `build/request-malformed` when one name stands for two digests
 */
export function sourcePolicy(allowed: AllowedMaterials): Uint8Array {
  const images = allowed.images.filter(({ use }) => use !== 'builder')
  const rules = [
    ...images.flatMap(imageRules),
    ...allowed.urls.flatMap(urlRules),
    ...allowed.repositories.flatMap(repositoryRules),
  ]
  const policy = { version: 1, rules: [DENY_ALL, ALLOW_LOCAL, ...ordered(rules)] }
  return utf8(`${JSON.stringify(policy, undefined, 1)}\n`)
}

const DENY_ALL = { action: 'DENY', selector: { identifier: '.*', match_type: 'REGEX' } }
/** Folders that the client itself offers: context, Dockerfile and the named contexts of the command line, all of this run. */
const ALLOW_LOCAL = { action: 'ALLOW', selector: { identifier: '^local://', match_type: 'REGEX' } }

function imageRules(image: AllowedImage): readonly JsonObject[] {
  const { reference, digest } = image
  const { tag: _tag, ...plain } = reference
  const pinned = [pinnedIdentifier({ ...reference, digest }), pinnedIdentifier({ ...plain, digest })]
  const own = reference.digest === undefined ? [pinnedWithout(reference)] : []
  const spelled = image.names.filter(name => names(name, image)).map(imageIdentifier)
  // The frontend asks for metadata by the name as written; what it then loads has the digest behind it.
  const forms = [...own, ...spelled].flatMap(form => [form, ...(form.includes('@') ? [] : [`${form}@${digest}`])])
  return [
    ...pinned.map(identifier => allow(identifier)),
    ...forms.filter(form => !pinned.includes(form)).map(form => convert(form, pinned[0] ?? form)),
  ]
}

/** A name that stands for other bytes or another place is not allowed by this image; behind a digest a tag means nothing. */
function names(name: string, { reference, digest }: AllowedImage): boolean {
  const written = parseReference(name)
  if (written.canonical !== reference.canonical) return false
  if (written.digest !== undefined) return written.digest === digest
  return reference.digest === undefined && (written.tag ?? 'latest') === (reference.tag ?? 'latest')
}

/** The name alone, with the tag that stands for none. */
function pinnedWithout({ canonical, tag }: AllowedImage['reference']): string {
  return `docker-image://${canonical}:${tag ?? 'latest'}`
}

/** A Dockerfile's own checksum must be the same one: nothing is put in its place. */
function urlRules({ url, sha256 }: AllowedUrl): readonly JsonObject[] {
  const sum = `sha256:${sha256}`
  return [
    {
      action: 'CONVERT',
      selector: { identifier: url, match_type: 'EXACT', constraints: [equal('http.checksum', '')] },
      updates: { identifier: url, attrs: { 'http.checksum': sum } },
    },
    {
      action: 'ALLOW',
      selector: { identifier: url, match_type: 'EXACT', constraints: [equal('http.checksum', sum)] },
    },
  ]
}

/**
 * The ref becomes the commit, so that also a builder which does not know `git.checksum` fetches no other. Submodules would be
 * fetched from wherever the repository says: they are left out, and are declared as what they are, repositories.
 */
function repositoryRules({ remote, ref, commit }: AllowedRepository): readonly JsonObject[] {
  const location = gitLocation(remote)
  if (location === undefined) return []
  const [name = ''] = ref.split(':', 1)
  const attrs = { 'git.checksum': commit, 'git.skipsubmodules': 'true' }
  const written = quoted(`git://${location}`) + (name === '' ? '(?:#(:.*)?)?' : `${quoted(`#${name}`)}(:.*)?`)
  const target = `${quoted(`git://${location}#${commit}`)}(:.*)?`
  const to = `${literal(`git://${location}#${commit}`)}\${1}`
  const remoteIs = equal('git.fullurl', remote)
  const converts = ['', commit].map(sum => ({
    action: 'CONVERT',
    selector: {
      identifier: `^${written}$`,
      match_type: 'REGEX',
      constraints: [remoteIs, equal('git.checksum', sum)],
    },
    updates: { identifier: to, attrs },
  }))
  // A kept `.git` holds whatever the server sent besides the commit.
  const constraints = [
    remoteIs,
    ...Object.entries(attrs).map(([key, value]) => equal(key, value)),
    equal('git.keepgitdir', ''),
  ]
  return [...converts, { action: 'ALLOW', selector: { identifier: `^${target}$`, match_type: 'REGEX', constraints } }]
}

function allow(identifier: string): JsonObject {
  return { action: 'ALLOW', selector: { identifier, match_type: 'EXACT' } }
}

function convert(from: string, to: string): JsonObject {
  return {
    action: 'CONVERT',
    selector: { identifier: `^${quoted(from)}$`, match_type: 'REGEX' },
    updates: { identifier: literal(to) },
  }
}

function equal(key: string, value: string): JsonObject {
  return { key, value, condition: 'EQUAL' }
}

/** Text as a regular expression of Go (RE2): a backslash before any ASCII punctuation, and nowhere else. */
export function quoted(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

/** Text as a replacement of Go: `$1`, `${name}` and `$name` would be filled in. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/** One order whatever the input's, each rule once; the rule that decides is never a question of order. */
function ordered(rules: readonly JsonObject[]): readonly JsonObject[] {
  const byText = new Map(rules.map(rule => [JSON.stringify(rule), rule]))
  const targets = new Map<string, string>()
  for (const rule of rules) {
    if (rule.action !== 'CONVERT') continue
    const from = JSON.stringify(rule.selector)
    const to = JSON.stringify(rule.updates)
    if (targets.get(from) !== undefined && targets.get(from) !== to)
      throw fail('build/request-malformed', 'One name stands for two things that may enter the build', {
        expected: 'one digest for each name',
        found: from,
      })
    targets.set(from, to)
  }
  const rank = (text: string) => (text.startsWith('{"action":"ALLOW"') ? '0' : '1') + text
  return [...byText].sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1)).map(([, rule]) => rule)
}
