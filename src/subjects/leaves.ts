import type { Scalar } from './found.ts'
import { itemPath, keyPath } from './json-path.ts'
import type { YamlSlot } from './yaml.ts'
import type { YamlFile } from './yaml-documents.ts'

/** A text, or a map or list without anything in it, and where it hangs in the tree. */
export interface Leaf {
  readonly document: number
  readonly path: string
  readonly text: string
  /** Reached through an alias or a merge key. */
  readonly aliased: boolean
  readonly scalar?: Scalar
}

/** Every leaf of a file in order. Two files with the same leaves say the same. */
export function* leaves(file: YamlFile): Generator<Leaf> {
  for (const { number, root } of file.documents()) {
    if (root === undefined) yield { document: number, path: '', text: '', aliased: false }
    else yield* below(root, number, '', false)
  }
}

function* below({ node, aliased }: YamlSlot, document: number, path: string, inherited: boolean): Generator<Leaf> {
  const shared = aliased || inherited
  if (node.kind === 'text') yield { document, path, text: node.text, aliased: shared, scalar: node.scalar }
  else if (node.kind === 'list') {
    if (node.items.length === 0) yield { document, path, text: '[]', aliased: shared }
    for (const [index, item] of node.items.entries()) yield* below(item, document, itemPath(path, index), shared)
  } else {
    if (node.entries.size === 0) yield { document, path, text: '{}', aliased: shared }
    for (const [key, value] of node.entries) yield* below(value, document, keyPath(path, key), shared)
  }
}
