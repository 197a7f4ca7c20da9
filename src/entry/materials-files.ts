import { join, relative, resolve, sep } from 'node:path'
import { machinePlatform } from '../build/platforms.ts'
import { sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { exists, isFolder, readFileBounded, readOwnFile } from '../io/files.ts'
import { pathsBelow } from '../io/folder-paths.ts'
import type { PullOptions } from '../materials/dockerfile/pull.ts'
import { parseManifest } from '../materials/manifest/parse.ts'
import type { MaterialsFiles, ReadManifest } from '../pipeline/materials-command-request.ts'
import { MANIFEST_PATH } from '../pipeline/materials-manifest.ts'
import { POLICY_PATH } from '../policy/law.ts'
import { usable, workingLaw } from './commands/policy-check.ts'
import type { MaterialsWish } from './materials-options.ts'

/** Whoever adds it hopes that some reader prefers it (13-adversary 5). */
const RIVAL = '.github/waybill.materials.yaml'

/**
 * Reads what a checkout says about its materials, as it lies there.
 * @throws `core/file-unreadable`, `policy/…`, `materials/manifest-unusable`
 */
export async function materialsFiles(wish: MaterialsWish, working: string): Promise<MaterialsFiles> {
  const context = resolve(working, wish.context)
  if (!(await isFolder(context)))
    throw fail('core/file-unreadable', `There is no folder ${wish.context}`, { expected: '--context DIR' })
  const file = wish.file ?? join(wish.context, 'Dockerfile')
  const [bytes, manifest, policy, paths] = await Promise.all([
    readFileBounded(resolve(working, file), LIMITS.dockerfileBytes),
    manifestOf(wish, working),
    policyOf(wish, working),
    pathsBelow(context, LIMITS.contextPaths),
  ])
  return {
    dockerfile: { path: shownPath(file, working), bytes },
    builds: buildsOf(wish),
    ...(manifest === undefined ? {} : { manifest }),
    ...(policy === undefined ? {} : { policy }),
    contextPaths: paths.map(path => join(shownPath(wish.context, working), path)),
  }
}

/** Of the present folder where it lies below it. */
function shownPath(path: string, working: string): string {
  const way = relative(working, resolve(working, path)).split(sep).join('/')
  return way.startsWith('../') ? path : way === '' ? '.' : way
}

function buildsOf({ buildArgs, target, platforms = [MACHINE] }: MaterialsWish): MaterialsFiles['builds'] {
  const [first, ...more] = platforms
  const build = (targetPlatform: string): PullOptions => ({
    buildArgs,
    ...(target === undefined ? {} : { target }),
    contexts: new Map(),
    buildPlatform: MACHINE,
    targetPlatform,
  })
  return [build(first), ...more.map(build)]
}

/** Images are of Linux, also on a machine that runs something else. */
const MACHINE = machinePlatform()

async function manifestOf({ materials }: MaterialsWish, working: string): Promise<ReadManifest | undefined> {
  const path = materials ?? MANIFEST_PATH
  if (materials === undefined && (await exists(resolve(working, RIVAL))))
    throw fail('materials/manifest-unusable', `${RIVAL} could be taken for the manifest`, {
      expected: MANIFEST_PATH,
      found: RIVAL,
      remedy: `Rename it: git mv ${RIVAL} ${MANIFEST_PATH}`,
    })
  if (materials === undefined && !(await exists(resolve(working, path)))) return undefined
  const bytes = await readFileBounded(resolve(working, path), LIMITS.materialsFileBytes)
  return { path, bytes, digest: sha256(bytes), items: parseManifest(bytes, path) }
}

async function policyOf({ policy }: MaterialsWish, working: string): Promise<MaterialsFiles['policy']> {
  if (policy === undefined && !(await exists(resolve(working, POLICY_PATH)))) return undefined
  return usable(workingLaw({ repo: '.', ...(policy === undefined ? {} : { file: policy }) }, working))
}

/** A file of the checkout; a link is none, since in the commit it would not be one either. */
export function workingFile(working: string, path: string): Uint8Array | undefined {
  return readOwnFile(resolve(working, path), LIMITS.policyFileBytes)
}

/** For what cannot be done without rules. */
export function noPolicy(): Error {
  return fail('policy/no-expectation', 'Nothing says what may enter a build: there is no policy', {
    expected: '.github/waybill.yml with base-images, or --policy FILE',
    found: 'neither',
    remedy: 'See what the Dockerfile pulls in, with rules to begin from: waybill materials print',
  })
}
