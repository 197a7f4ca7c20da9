import { ASN1Obj } from '@sigstore/core'
import { decodeUtf8 } from '../../core/bytes.ts'

/**
 * Small strict readers over the library's ASN.1 parser. They throw plain Errors with a sentence; the caller gives
 * them its code. DER: one encoding for one value, so whoever re-encodes must get the same bytes.
 */
export function parseDer(bytes: Uint8Array): ASN1Obj {
  const copy = Buffer.from(bytes)
  const object = ASN1Obj.parseBuffer(copy)
  return object
}

/** UTF8String (tag 12, primitive), the whole of `bytes`. */
export function derUtf8String(bytes: Uint8Array): string {
  return utf8StringOf(parseDer(bytes))
}

export function utf8StringOf(object: ASN1Obj): string {
  const { tag, value } = object
  if (!tag.isUniversal() || tag.number !== 12 || tag.constructed) throw new Error('a value is not a DER UTF8String')
  return plainText(value)
}

/** Text of an extension or name: valid UTF-8 without control characters, which nobody has a reason to put there. */
export function plainText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
  if (text === undefined || /[\u0000-\u001f\u007f-\u009f]/.test(text)) throw new Error('a value is not plain text')
  return text
}

/** IA5String content as names use it: printable ASCII without spaces. */
export function plainAscii(bytes: Uint8Array): string {
  const text = plainText(bytes)
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error('a name is not plain ASCII')
  return text
}
