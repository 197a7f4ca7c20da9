import { type Budget, COVER_BUDGET } from '../policy/cover.ts'
import { overlaps } from '../policy/overlap.ts'
import type { DeployRule, SubjectPattern } from '../policy/policy.ts'
import { notExpressible } from './refused.ts'

type Patterns = readonly [SubjectPattern, ...SubjectPattern[]]
export type ImageRule = DeployRule & { readonly match: Patterns }

/**
 * The rules that are about images, in a form in which it does not matter that engines let every policy that matches have its say
 * while here the first rule decides (13-adversary 30). Rules that deny what comes last are what a cluster does by itself.
 * @throws `policy/not-expressible` when two rules say different things about one image.
 */
export function disjointRules(rules: readonly DeployRule[]): {
  readonly rules: readonly ImageRule[]
  readonly notes: readonly string[]
} {
  const budget: Budget = { left: COVER_BUDGET }
  const files = rules.flatMap(({ match }) => match.filter(({ of }) => of === 'file'))
  const images = rules.flatMap(imagesOnly)
  for (const rule of images) if (rule.kind === 'allow') refuseEverything(rule)
  const kept = images.filter((rule, at) => rule.kind === 'allow' || narrows(rule, images.slice(at + 1), budget))
  kept.forEach((rule, at) => {
    for (const later of kept.slice(at + 1)) refuseOverlap(rule, later, budget)
  })
  return {
    rules: kept,
    notes:
      files.length === 0 ? [] : [`Rules for files are the gate’s alone: ${files.map(({ text }) => text).join(', ')}.`],
  }
}

function imagesOnly(rule: DeployRule): readonly ImageRule[] {
  const [first, ...more] = rule.match.filter(({ of }) => of === 'image')
  return first === undefined ? [] : [{ ...rule, match: [first, ...more] }]
}

/** A deny is needed only above a rule that would allow the same: what no rule allows is denied anyway. */
function narrows(deny: ImageRule, later: readonly ImageRule[], budget: Budget): boolean {
  return later.some(rule => rule.kind === 'allow' && meeting(deny, rule, budget) !== undefined)
}

/** It would also be about what the cluster itself runs, and about registries that nobody thought of. */
function refuseEverything({ match }: ImageRule): void {
  const all = match.find(({ text }) => /^\*+(\/\*+)*$/.test(text))
  if (all === undefined) return
  throw notExpressible(
    'A rule for every image cannot be enforced by a cluster, whose own images it would be about',
    'patterns that name a registry',
    all.text,
    'Name the registries: match: ["ghcr.io/acme/**"]. What no rule matches is denied.',
  )
}

/**
 * The earlier rule decides alone. Below a deny that changes nothing: engines deny, too. Anywhere else both would be asked for, or
 * what is allowed here denied there.
 */
function refuseOverlap(earlier: ImageRule, later: ImageRule, budget: Budget): void {
  if (earlier.kind === 'deny') {
    if (later.kind === 'allow') refuseOtherSpelling(earlier, later, budget)
    return
  }
  const both = meeting(earlier, later, budget)
  if (both === undefined) return
  throw notExpressible(
    'Two rules match the same image; here the first decides, in a cluster both do',
    'rules of which at most one matches any image',
    both.map(({ text }) => text).join(' and '),
    'Write patterns that do not meet, for instance the repositories by name, and deny above what is allowed.',
  )
}

/**
 * Engines compare a registry as a pod spells it (13-adversary 34): `ghcr.io:443` or `GHCR.IO` is not what is denied, and a star
 * in the host of what is allowed would match it. A host without stars is allowed in one spelling alone.
 */
function refuseOtherSpelling(deny: ImageRule, allow: ImageRule, budget: Budget): void {
  const wide = allow.match.filter(({ text }) => text.split('/', 1)[0]?.includes('*'))
  for (const mine of deny.match)
    for (const theirs of wide)
      if (overlaps(mine, theirs, budget))
        throw notExpressible(
          'A pod may spell a registry otherwise than the rule that denies it, and a star would allow that',
          'registries by their names, where something of them is denied',
          `${mine.text} and ${theirs.text}`,
          'Name the registries that are allowed: match: ["ghcr.io/acme/**"].',
        )
}

function meeting(a: ImageRule, b: ImageRule, budget: Budget): readonly [SubjectPattern, SubjectPattern] | undefined {
  for (const mine of a.match) for (const theirs of b.match) if (overlaps(mine, theirs, budget)) return [mine, theirs]
  return undefined
}
