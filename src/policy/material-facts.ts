import { signerText, sourceText, trustText } from './changes.ts'
import { type Budget, COVER_BUDGET } from './cover.ts'
import { fact, type LawFact } from './law-fact.ts'
import type { Pattern } from './match.ts'
import { baseImageLine, materialKeyText, materialLine } from './material-lines.ts'
import type { BaseImageRule, MaterialRule } from './material-rules.ts'
import { overlaps } from './overlap.ts'
import type { AllowRule, Policy } from './policy.ts'

/**
 * What a policy says of base images, materials and their keys (13-adversary 3). A rule is the same one as long as it matches
 * the same; what it then grants and demands is compared part by part.
 */
export function materialFacts({ baseImages, materials, materialKeys }: Policy): readonly LawFact[] {
  const budget: Budget = { left: COVER_BUDGET }
  const names = [...(materialKeys?.keys() ?? [])]
  return [
    ...(baseImages === undefined
      ? []
      : [blockFact('base-images', 'base images are judged; what no rule allows is denied')]),
    ...(baseImages ?? []).map((rule, at, all) => {
      const exposed = exposes(
        rule.match,
        all
          .slice(at + 1)
          .filter(isAllowing)
          .flatMap(below => below.match),
        budget,
      )
      return baseFact(rule, nth(all, at), exposed)
    }),
    ...(materials === undefined
      ? []
      : [blockFact('materials', 'other materials are judged; what no rule allows is denied')]),
    ...(materials ?? []).map((rule, at, all) => {
      const below = all.slice(at + 1).filter(({ deny }) => !deny)
      const exposed = exposes(pathsOf(rule), below.flatMap(pathsOf), budget)
      return materialFact(rule, nth(all, at), exposed, names)
    }),
    ...[...(materialKeys ?? [])].map(([name, key]) => {
      const text = materialKeyText(key)
      return fact('material-key', name, `${name}: ${text}`, { grants: [text], loosensBy: 'coming' })
    }),
  ]
}

type Block = 'base-images' | 'materials'

/** Without a block nothing is judged, so the block itself loosens by going. */
function blockFact(what: Block, text: string): LawFact {
  return fact(what, 'block', text, { loosensBy: 'going' })
}

function isAllowing({ kind }: BaseImageRule): boolean {
  return kind !== 'deny'
}

function pathsOf({ match }: MaterialRule): readonly Pattern[] {
  return match.map(({ path }) => path)
}

function exposes(match: readonly Pattern[], below: readonly Pattern[], budget: Budget): boolean {
  return match.some(pattern => below.some(other => overlaps(pattern, other, budget)))
}

/** Two rules may match the same: the second of them, which narrows nothing, is compared with the second. */
function nth(rules: readonly { readonly match: readonly { readonly text: string }[] }[], at: number): string {
  const textOf = (index: number) => rules[index]?.match.map(({ text }) => text).join(', ') ?? ''
  const before = rules.slice(0, at).filter((_rule, index) => textOf(index) === textOf(at))
  return `${textOf(at)} ${before.length}`
}

function baseFact(rule: BaseImageRule, key: string, exposed: boolean): LawFact {
  const text = baseImageLine(rule)
  const shared = { within: 'base-images block', ...(exposed ? { exposes: true as const } : {}) }
  if (rule.kind === 'deny') return fact('base-images', key, text, { ...shared, loosensBy: 'going' })
  const { grants, demands } = baseParts(rule)
  const inside = rule.private ? ['private addresses'] : []
  return fact('base-images', key, text, { ...shared, loosensBy: 'coming', grants: [...grants, ...inside], demands })
}

interface Parts {
  readonly grants: readonly string[]
  readonly demands: Readonly<Record<string, number>>
}

function baseParts(rule: Exclude<BaseImageRule, { readonly kind: 'deny' }>): Parts {
  if (rule.kind === 'waybill') return chainParts(rule.chain)
  if (rule.kind !== 'signers') return { grants: [rule.kind], demands: {} }
  const { signers, trust, predicate, maxAgeSeconds } = rule
  return {
    grants: [...signers.map(signerText), `trust ${trustText(trust)}`],
    demands: { ...(predicate === undefined ? {} : { [`statement ${predicate}`]: 1 }), ...youth(maxAgeSeconds) },
  }
}

function chainParts({
  build,
  builders,
  trust,
  require,
  allowAudit,
  source,
  maxAgeSeconds,
  quarantineBy,
}: AllowRule): Parts {
  return {
    grants: [
      signerText(build),
      ...builders.map(name => `builder ${name}`),
      `trust ${trustText(trust)}`,
      ...(source === undefined ? [] : [sourceText(source)]),
      ...(allowAudit ? ['audited sources'] : []),
    ],
    demands: {
      ...Object.fromEntries(require.map(item => [item, 1])),
      ...youth(maxAgeSeconds),
      ...(quarantineBy === undefined ? {} : { [`quarantine by ${signerText(quarantineBy)}`]: 1 }),
    },
  }
}

/** The younger a signature must be, the more is asked. */
function youth(maxAgeSeconds: number | undefined): Readonly<Record<string, number>> {
  return maxAgeSeconds === undefined ? {} : { youth: 1 / maxAgeSeconds }
}

/** Where no key is asked for, everybody's signature and none at all will do. */
function materialFact(rule: MaterialRule, key: string, exposed: boolean, names: readonly string[]): LawFact {
  const shared = { within: 'materials block', ...(exposed ? { exposes: true as const } : {}) }
  if (rule.deny) return fact('materials', key, materialLine(rule), { ...shared, loosensBy: 'going' })
  const signers = rule.keys.length === 0 ? [...names, 'no signature'] : rule.keys
  const grants = [...signers, ...(rule.private ? ['private addresses'] : [])]
  return fact('materials', key, materialLine(rule), { ...shared, loosensBy: 'coming', grants })
}
