import { CATALOGUE } from '../core/catalogue.ts'
import type { CommitFacts, TagFacts } from '../core/facts.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { commitText } from './bench.ts'

/** Tags inside a merge that say something about what it merged, and notes about those that do not. */
export interface MergetagEvidence {
  /** Each names one of the other parents. Who signed it, and whether that counts, is judged elsewhere. */
  readonly tags: readonly TagFacts[]
  readonly notes: readonly Finding[]
}

/**
 * A merge's `mergetag` header lies inside its signed bytes, but whoever merges could put any signed tag of the world
 * there: it is evidence only for the very parent it names, never for the first one (that line is judged itself).
 */
export function mergetagsOf({ id, subject, parents, mergetags = [] }: CommitFacts): MergetagEvidence {
  const merged = parents.slice(1)
  const others = mergetags.filter(tag => !merged.includes(tag.object))
  return {
    tags: mergetags.filter(tag => merged.includes(tag.object)),
    notes: others.map(tag => ({
      code: 'source/mergetag-unrelated',
      severity: 'note',
      subject: id,
      message: `${commitText(id, subject)} holds the tag ${printable(tag.name, 100)}, which names none of the commits it merges`,
      expected: merged.length === 0 ? 'no mergetag in a commit that merges nothing' : merged.join(' or '),
      found: tag.object,
      remedy: CATALOGUE['source/mergetag-unrelated'].remedy,
    })),
  }
}
