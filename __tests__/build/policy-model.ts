import type { AllowedImage, AllowedMaterials } from '../../src/build/allowed.ts'
import { type Digest, parseDigest } from '../../src/core/digest.ts'
import { parseReference } from '../../src/registry/reference.ts'

/** Nothing may enter but what is given. */
export function allowing(over: Partial<AllowedMaterials> = {}): AllowedMaterials {
  return { images: [], urls: [], repositories: [], contexts: new Map(), pulls: [], ...over }
}

export function allowedImage(name: string, digest: Digest, over: Partial<AllowedImage> = {}): AllowedImage {
  return { reference: parseReference(name), digest, names: [name], use: 'base', private: false, ...over }
}

export const A = parseDigest(`sha256:${'a'.repeat(64)}`)
export const B = parseDigest(`sha256:${'b'.repeat(64)}`)

interface Rule {
  readonly action: 'ALLOW' | 'DENY' | 'CONVERT'
  readonly selector: {
    readonly identifier: string
    readonly match_type: 'EXACT' | 'REGEX'
    readonly constraints?: readonly { readonly key: string; readonly value: string; readonly condition: 'EQUAL' }[]
  }
  readonly updates?: { readonly identifier: string; readonly attrs?: Readonly<Record<string, string>> }
}

export interface Source {
  readonly identifier: string
  readonly attrs: Readonly<Record<string, string>>
}

/**
 * BuildKit's evaluation of a policy, for thousands of sources at a time; the peers ring asks BuildKit itself.
 * @returns what would be fetched, or `undefined` when it is denied.
 */
export function evaluate(policy: Uint8Array, identifier: string, attrs: Source['attrs'] = {}): Source | undefined {
  const { rules } = JSON.parse(Buffer.from(policy).toString('utf8')) as { rules: readonly Rule[] }
  let source: Source = { identifier, attrs }
  for (let round = 0; round < 20; round++) {
    const next = once(rules, source)
    if (next === undefined || next === source) return next
    source = next
  }
  throw new Error('The policy converts for ever')
}

function once(rules: readonly Rule[], source: Source): Source | undefined {
  let denied = false
  for (const rule of rules) {
    if (!matches(rule, source)) continue
    if (rule.action === 'DENY') denied = true
    else if (rule.action === 'ALLOW') denied = false
    else {
      const changed = converted(rule, source)
      if (JSON.stringify(changed) !== JSON.stringify(source)) return changed
    }
  }
  return denied ? undefined : source
}

function matches({ selector }: Rule, { identifier, attrs }: Source): boolean {
  if (selector.constraints?.some(({ key, value }) => (attrs[key] ?? '') !== value)) return false
  if (selector.identifier === identifier) return true
  return selector.match_type === 'REGEX' && new RegExp(selector.identifier, 'u').test(identifier)
}

function converted({ selector, updates }: Rule, { identifier, attrs }: Source): Source {
  if (updates === undefined) throw new Error('A CONVERT without updates')
  const to =
    selector.match_type === 'EXACT'
      ? selector.identifier
      : identifier.replace(new RegExp(selector.identifier, 'u'), (_, group?: string) =>
          updates.identifier.replace(/\$\$|\$\{1\}/g, sign => (sign === '$$' ? '$' : (group ?? ''))),
        )
  return { identifier: to, attrs: { ...attrs, ...updates.attrs } }
}
