import { join } from 'node:path'
import { type CacheUse, formatCache, parseCache, usesGha } from '../build/caches.ts'
import { readContexts } from '../build/named-contexts.ts'
import type { BuildRequest } from '../build/request.ts'
import { checkSecretId, checkSecretIds } from '../build/secrets.ts'
import { checkSsh, parseSsh } from '../build/ssh.ts'
import { fail } from '../core/error.ts'
import type { AttestInputs } from '../github/attest-inputs.ts'
import type { RunContext } from '../github/context.ts'
import { parseReference } from '../registry/reference.ts'
import { checkTagName } from '../registry/tags.ts'
import { inWorkspace } from './workspace.ts'

type Options = Pick<BuildRequest, 'secrets' | 'ssh' | 'contexts' | 'cacheFrom' | 'cacheTo'>

/** Where the files of a step's secrets lie while it builds. */
export function secretsFolder({ temporary }: Pick<RunContext, 'temporary'>, name: string): string {
  return join(temporary, 'waybill', name, 'secrets')
}

/** Ids in the order in which their files are named. */
function secretIds({ secrets, secretFiles }: Pick<AttestInputs, 'secrets' | 'secretFiles'>): readonly string[] {
  return [...secrets.keys(), ...secretFiles.keys()]
}

/**
 * What a build is given besides its context, by the inputs alone. Pure: files of secrets are written when the build begins.
 * @throws `build/secret-…`, `build/ssh-malformed`, `build/context-refused`, `build/cache-…`, `build/path-escapes`
 */
export function buildOptions(inputs: AttestInputs, context: RunContext, name: string): Options {
  const ids = secretIds(inputs)
  for (const id of ids) checkSecretId(id)
  checkSecretIds(ids)
  const folder = secretsFolder(context, name)
  const ssh = inputs.ssh.map(text => parseSsh(text, inputs.sshAgent, path => inWorkspace(context, path)))
  checkSsh(ssh)
  const contexts = readContexts(inputs.buildContexts)
  const cacheFrom = caches(inputs.cacheFrom, 'from')
  const cacheTo = caches(inputs.cacheTo, 'to')
  refuseOpenCaches([...cacheFrom, ...cacheTo], context)
  return {
    ...(ids.length === 0 ? {} : { secrets: ids.map((id, at) => ({ id, file: join(folder, String(at)) })) }),
    ...(ssh.length === 0 ? {} : { ssh }),
    ...(contexts.size === 0 ? {} : { contexts }),
    ...(cacheFrom.length === 0 ? {} : { cacheFrom }),
    ...(cacheTo.length === 0 ? {} : { cacheTo }),
  }
}

function caches(entries: readonly string[], use: CacheUse): readonly string[] {
  return entries.map(text => {
    const entry = parseCache(text, use)
    const ref = use === 'to' ? entry.fields.get('ref') : undefined
    if (ref !== undefined) checkCacheTag(ref)
    return formatCache(entry)
  })
}

/** A cache is written to its tag without asking what lies there: a list of signatures would be lost (13-adversary 25). */
function checkCacheTag(ref: string): void {
  const { tag, digest } = parseReference(ref)
  if (digest !== undefined || tag === undefined)
    throw fail('build/cache-malformed', 'A cache can only be written to a tag', {
      expected: 'ref=host/path:tag',
      found: ref,
    })
  checkTagName(tag)
}

/** 5-build § 1: what other branches may write does not go into what is released. */
function refuseOpenCaches(entries: readonly string[], { event, ref }: RunContext): void {
  const released = event.kind === 'release' || event.kind === 'tag' || ref.startsWith('refs/tags/')
  if (!released || !usesGha(entries)) return
  throw fail('build/cache-forbidden', 'type=gha is not served on tags and releases', {
    expected: 'no type=gha in cache-from and cache-to',
    found: `${event.kind} on ${ref}`,
  })
}
