import type { BaseBlock } from 'asn1js'
import { equalBytes } from '../core/bytes.ts'
import { childrenOf, contentOf, isContext, isSequence, isUniversal, objectId } from './cms-asn1.ts'

/**
 * The grammar of a CMS signature (RFC 5652): every part in its place, and nothing else. Its functions throw plain Errors
 * with what the signature has instead; the caller gives them its code.
 */
const SIGNED_DATA = '1.2.840.113549.1.7.2'
export const DATA = '1.2.840.113549.1.7.1'

export interface Data {
  readonly digestAlgorithm: BaseBlock
  readonly certificates: readonly BaseBlock[]
  readonly signerInfo: BaseBlock
}

/** ContentInfo and SignedData: every part in its place, and nothing else. RFC 5652 § 3, § 5.1. */
export function signedDataOf(contentInfo: BaseBlock): Data {
  const [type, content] = partsOf(contentInfo, 2, 'content info')
  if (objectId(type) !== SIGNED_DATA) throw new Error('a content that is not signed data')
  if (content === undefined || !isContext(content, 0)) throw new Error('a content without its tag')
  const parts = childrenOf(only(childrenOf(content), 'signed data'))
  const [version, digests, encapsulated, ...rest] = parts
  const set = rest.find(part => isContext(part, 0))
  const signers = rest.at(-1)
  if (!isNumber(version, 1) && !isNumber(version, 3)) throw new Error('signed data of another version')
  if (rest.length !== (set === undefined ? 1 : 2) || (set !== undefined && rest[0] !== set))
    throw new Error('revocation lists or other parts in it')
  requireDetached(encapsulated)
  return {
    digestAlgorithm: only(setOf(digests, 'digest algorithms'), 'digest algorithms'),
    certificates: childrenOf(set),
    signerInfo: only(setOf(signers, 'signers'), 'signers'),
  }
}

function requireDetached(encapsulated: BaseBlock | undefined): void {
  const [type, content] = childrenOf(encapsulated)
  if (objectId(type) !== DATA) throw new Error('content of another type than data')
  if (content !== undefined) throw new Error('content of its own, which is not this commit')
}

export interface Signer {
  readonly version: BaseBlock
  readonly id: BaseBlock
  readonly digestAlgorithm: BaseBlock
  readonly signedAttributes: BaseBlock
  readonly signatureAlgorithm: BaseBlock
  readonly signature: BaseBlock
  readonly unsignedAttributes: BaseBlock | undefined
}

/** SignerInfo. RFC 5652 § 5.3. */
export function signerOf(info: BaseBlock): Signer {
  const parts = childrenOf(info)
  if (parts[3] === undefined || !isContext(parts[3], 0)) throw new Error('no signed attributes')
  const [version, id, digestAlgorithm, signedAttributes, signatureAlgorithm, signature, unsignedAttributes] = parts
  if (version === undefined || id === undefined || digestAlgorithm === undefined) throw new Error('half a signer')
  if (signedAttributes === undefined || signatureAlgorithm === undefined || signature === undefined || parts.length > 7)
    throw new Error('a signer that is not built as it must be')
  if (unsignedAttributes !== undefined && !isContext(unsignedAttributes, 1))
    throw new Error('a signer with other parts')
  return { version, id, digestAlgorithm, signedAttributes, signatureAlgorithm, signature, unsignedAttributes }
}

export function only<T>(list: readonly T[], what: string): T {
  const [item, ...more] = list
  if (item === undefined || more.length > 0) throw new Error(`${list.length} ${what} instead of one`)
  return item
}

export function partsOf(block: BaseBlock | undefined, count: number, what: string): readonly BaseBlock[] {
  const parts = childrenOf(block)
  if (!isSequence(block) || parts.length !== count) throw new Error(`${what} that is not built as it must be`)
  return parts
}

export function setOf(block: BaseBlock | undefined, what: string): readonly BaseBlock[] {
  if (block === undefined || !isUniversal(block, 17)) throw new Error(`no set of ${what}`)
  return childrenOf(block)
}

export function isNumber(block: BaseBlock | undefined, number: number): boolean {
  return block !== undefined && isUniversal(block, 2) && equalBytes(contentOf(block), Uint8Array.of(number))
}

/** Values by type. Every attribute stands there once and has one value, or two programs could each take another. */
export function attributesOf(set: BaseBlock): ReadonlyMap<string, BaseBlock> {
  const found = new Map<string, BaseBlock>()
  for (const block of childrenOf(set)) {
    const [oid, values] = partsOf(block, 2, 'an attribute')
    const type = objectId(oid)
    if (type === undefined) throw new Error('an attribute without type')
    if (found.has(type)) throw new Error(`the attribute ${type} twice`)
    found.set(type, only(setOf(values, 'values'), `values of the attribute ${type}`))
  }
  return found
}

export function octetsOf(block: BaseBlock | undefined, what: string): Uint8Array {
  if (block === undefined || !isUniversal(block, 4) || block.idBlock.isConstructed)
    throw new Error(`no ${what} in one piece`)
  return contentOf(block)
}
