/**
 * A writer for ASN.1 DER (X.690): each value is tag | length | content, lengths above 127 as 0x80 + count, then bytes.
 * Only what certificates, SCT extensions and RFC 3161 tokens need.
 */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.byteLength), body])
}

function lengthOf(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size])
  const bytes = minimal(BigInt(size))
  return Buffer.concat([Buffer.from([0x80 | bytes.byteLength]), bytes])
}

function minimal(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
export const octets = (value: Uint8Array): Buffer => der(0x04, value)
export const utf8String = (text: string): Buffer => der(0x0c, Buffer.from(text))
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0x00]))
export const nothing = (): Buffer => der(0x05)

/** SET OF: DER wants its members in ascending order of their encodings. */
export function setOf(...parts: readonly Buffer[]): Buffer {
  return der(0x31, ...[...parts].sort(Buffer.compare))
}

/** Context-specific, constructed: `[n] EXPLICIT` around a value, or `[n] IMPLICIT` around the content of a SET or SEQUENCE. */
export const context = (n: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | n, ...parts)
/** Context-specific, primitive. */
export const contextPrimitive = (n: number, value: Uint8Array): Buffer => der(0x80 | n, value)

/** A non-negative INTEGER; bytes are taken as an unsigned big-endian number. */
export function integer(value: number | bigint | Uint8Array): Buffer {
  const bytes = value instanceof Uint8Array ? minimal(toBigInt(value)) : minimal(BigInt(value))
  return der(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.byteLength === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

export function bitString(value: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, Buffer.from([unusedBits]), value)
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

/** RFC 5280 § 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, the rest is cut. */
export function time(date: Date): Buffer {
  return date.getUTCFullYear() < 2050 ? utcTime(date) : generalizedTime(date)
}

export const utcTime = (date: Date): Buffer => der(0x17, Buffer.from(digits(date).slice(2)))
export const generalizedTime = (date: Date): Buffer => der(0x18, Buffer.from(digits(date)))

function digits(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
}
