import type { Builder } from '../build/builder.ts'
import { wrapped } from '../build/wrapped.ts'
import { decodeUtf8, utf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { readFileBounded } from '../io/files.ts'
import { holdFiles } from '../io/held-files.ts'
import { followPath, isBelow } from '../io/paths.ts'
import type { AttestWorld } from './attest-world.ts'
import { secretsFolder } from './build-options.ts'
import { inWorkspace } from './workspace.ts'

/** What a build's secrets hold, and how a builder gets them. */
export interface BuildSecrets {
  /** Every value as text, for whoever looks for it where it must not be. */
  readonly known: readonly string[]
  /** Their files exist while it builds, and no longer. */
  into(builder: Builder): Builder
}

/**
 * Reads the files of `secret-files`, hides what all of them hold from the log, and sees that every agent's path is there.
 * @throws `build/secret-malformed`, `build/ssh-malformed`, `core/file-unreadable`
 */
export async function openBuildSecrets(world: AttestWorld): Promise<BuildSecrets> {
  const { inputs, context, request, log } = world
  const contents = [...inputs.secrets].map(([id, value]) => [id, checkedSize(id, utf8(value))] as const)
  for (const [id, path] of inputs.secretFiles) contents.push([id, await contentOf(world, id, path)])
  const known = contents.flatMap(([, bytes]) => decodeUtf8(bytes) ?? [])
  for (const value of known) log.mask(value)
  for (const { id, paths } of request.build.ssh ?? []) for (const path of paths) await checkAgent(id, path)
  const files = new Map(contents.map(([, bytes], at) => [String(at), bytes] as const))
  const folder = secretsFolder(context, request.name)
  return {
    known: known.flatMap(value => [value, ...value.split(/[\r\n]+/).filter(line => line.length >= 8)]),
    into: builder => (files.size === 0 ? builder : holding(builder, () => holdFiles(folder, files))),
  }
}

function holding(builder: Builder, hold: () => Promise<() => Promise<void>>): Builder {
  return wrapped(builder, async request => {
    const release = await hold()
    return builder.build(request).finally(release)
  })
}

async function contentOf({ context, folder }: AttestWorld, id: string, path: string): Promise<Uint8Array> {
  const place = inWorkspace(context, path)
  const found = await followPath(place)
  if (found?.kind !== 'file')
    throw fail('build/secret-malformed', `The secret ${id} of secret-files is no file`, {
      expected: 'id=path of a file that an earlier step wrote',
      found: path,
    })
  // What lies below the run's own folder is made by the run itself, and the exported commit is one of these things.
  const own = (await followPath(folder))?.path ?? folder
  if (isBelow(own, found.path))
    throw fail('build/secret-malformed', `The secret ${id} of secret-files lies in the folder of this run`, {
      expected: 'a file of the workspace, or of the machine',
      found: path,
    })
  return checkedSize(id, await readFileBounded(found.path, LIMITS.buildSecretBytes))
}

function checkedSize(id: string, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > 0 && bytes.byteLength <= LIMITS.buildSecretBytes) return bytes
  throw fail('build/secret-malformed', `The secret ${id} is ${bytes.byteLength === 0 ? 'empty' : 'too large'}`, {
    expected: `1 to ${LIMITS.buildSecretBytes} bytes`,
    found: `${bytes.byteLength} bytes`,
  })
}

async function checkAgent(id: string, path: string): Promise<void> {
  const kind = (await followPath(path))?.kind
  if (kind === 'file' || kind === 'other') return
  throw fail('build/ssh-malformed', `The ssh agent ${id} is neither a socket nor a key`, {
    expected: 'the socket of an agent that runs, or a private key',
    found: path,
  })
}
