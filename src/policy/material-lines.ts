import { allowText, patternList, signerText, trustText } from './changes.ts'
import type { Section } from './explain.ts'
import type { BaseImageRule, MaterialKey, MaterialRule, SignedBase } from './material-rules.ts'
import type { Policy } from './policy.ts'

/** A `base-images` rule in words, every part that is judged named. */
export function baseImageLine(rule: BaseImageRule): string {
  return `${patternList(rule.match)}: ${baseImageText(rule)}`
}

function baseImageText(rule: BaseImageRule): string {
  if (rule.kind === 'deny') return 'denied'
  return `${trustedText(rule)}${rule.private ? ', private addresses allowed' : ''}`
}

function trustedText(rule: Exclude<BaseImageRule, { readonly kind: 'deny' }>): string {
  switch (rule.kind) {
    case 'signers':
      return signedText(rule)
    case 'docker':
      return 'signed by Docker, platform by platform'
    case 'waybill':
      return `made by Waybill: ${allowText({ ...rule.chain, private: false })}`
    case 'digest-lock':
      return 'pinned to a digest that was reviewed, never verified'
  }
}

function signedText({ signers, predicate, trust, maxAgeSeconds }: SignedBase): string {
  return [
    `signed by ${signers.map(signerText).join(' or by ')}`,
    ...(predicate === undefined ? [] : [`as a statement of ${predicate}`]),
    `trust ${trustText(trust)}`,
    ...(maxAgeSeconds === undefined ? [] : [`at most ${maxAgeSeconds} seconds old`]),
  ].join(', ')
}

/** A `materials` rule in words. */
export function materialLine({ match, keys, deny, private: inside }: MaterialRule): string {
  const name = match.map(({ text }) => text).join(', ')
  if (deny) return `${name}: denied`
  const signed = keys.length === 0 ? 'with a digest, whoever signed' : `signed by ${keys.join(' or by ')}`
  return `${name}: ${signed}${inside ? ', private addresses allowed' : ''}`
}

/** A key or signer of materials in words. */
export function materialKeyText(key: MaterialKey): string {
  switch (key.kind) {
    case 'openpgp':
      return `OpenPGP key ${key.fingerprint} in ${key.file}`
    case 'ssh':
      return `SSH key ${key.fingerprint}`
    case 'minisign':
      return `minisign key in ${key.file}`
    case 'signer':
      return `${signerText(key.signer)}, trust ${trustText(key.trust)}`
  }
}

/** What the policy says of base images and of everything else that goes into a build. */
export function explainMaterials({ baseImages, materials, materialKeys }: Policy): readonly Section[] {
  return [
    {
      title: 'Base images',
      lines:
        baseImages === undefined
          ? []
          : [`${rules(baseImages.length)}; the first match decides, no match denies`, ...baseImages.map(baseImageLine)],
    },
    {
      title: 'Other materials',
      lines:
        materials === undefined
          ? []
          : [`${rules(materials.length)}; the first match decides, no match denies`, ...materials.map(materialLine)],
    },
    {
      title: 'Keys of materials',
      lines: [...(materialKeys ?? [])].map(([name, key]) => `${name}: ${materialKeyText(key)}`),
    },
  ]
}

function rules(count: number): string {
  return count === 1 ? 'One rule' : `${count} rules`
}
