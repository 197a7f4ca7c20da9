import type { LawPart } from './changes.ts'
import type { Pattern } from './match.ts'

/** One thing that a policy says, so that two policies can be compared thing by thing. */
export interface LawFact {
  readonly what: LawPart
  /** The same in both policies when it is about the same thing. */
  readonly key: string
  /** Whole, not yet printable. */
  readonly text: string
  /** What it allows, in words; one more loosens. */
  readonly grants: ReadonlySet<string>
  /** What it asks for, and how much; less of it loosens. */
  readonly demands: ReadonlyMap<string, number>
  /** Whether the whole thing loosens by coming or by going; `opens`: when these refs had no such thing before. */
  readonly loosensBy?: 'coming' | 'going'
  readonly opens?: readonly Pattern[]
  /** Of the block that it narrows or widens: without the block nothing was judged, so nothing is loosened by its first rules. */
  readonly within?: string
  /** What it matches goes on to a rule below that allows: it loosens also by going. */
  readonly exposes?: true
}

type Parts = Partial<Pick<LawFact, 'loosensBy' | 'opens' | 'within' | 'exposes'>> & {
  readonly grants?: Iterable<string>
  readonly demands?: Readonly<Record<string, number>>
}

export function fact(
  what: LawPart,
  key: string,
  text: string,
  { grants = [], demands = {}, ...rest }: Parts = {},
): LawFact {
  return {
    what,
    key: `${what} ${key}`,
    text,
    grants: new Set(grants),
    demands: new Map(Object.entries(demands)),
    ...rest,
  }
}
