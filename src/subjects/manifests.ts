import { fail } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import type { Examined } from './found.ts'
import { Gathering } from './gathering.ts'
import { ManifestWalk } from './manifest-walk.ts'
import { fileWords } from './place.ts'
import { readYamlFile } from './yaml-documents.ts'

/**
 * Every image that Kubernetes manifests name (13-adversary 33): containers, init and ephemeral containers and image volumes of the
 * built-in kinds, wherever the object stands (also inside a List, a Template or a custom resource), and in everything else each
 * text under a key that is called after an image. YAML of many documents, or JSON.
 * @param file as the caller names it (`-` for standard input); it is written into every place.
 * @throws `verify/manifest-unreadable`; `verify/manifest-empty` when no document holds anything: what was not there is not passed.
 */
export function imagesInManifests(bytes: Uint8Array, { file }: { readonly file: string }): Examined {
  const yaml = readYamlFile(bytes, file)
  const gathering = new Gathering()
  let objects = 0
  for (const { number, root } of yaml.documents()) {
    if (root === undefined) continue
    objects++
    new ManifestWalk(gathering, { file, document: number, lineOf: yaml.lineOf }).root(root)
  }
  if (objects === 0)
    throw fail('verify/manifest-empty', `${fileWords(file)} holds no document`, {
      expected: 'a manifest',
      found: 'nothing',
    })
  if (gathering.empty) {
    const error = fail('verify/no-images', `${fileWords(file)} names no image`)
    gathering.remark(findingOf(error, file, 'note'))
  }
  return gathering.result()
}
