import type { KeyObject } from 'node:crypto'

/**
 * ECDSA verification on P-256 over a digest that the verifier did not compute itself (FIPS 186-5 § 6.4.2).
 * `node:crypto` only verifies over messages; a log that is handed a digest, as Rekor v2 is, needs this.
 * Not constant time, and slow: all its inputs are public and it serves tests.
 */
export function verifyDigest(key: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const { x, y, crv } = key.export({ format: 'jwk' })
  const rs = readSignature(signature)
  if (crv !== 'P-256' || rs === undefined) return false
  const publicPoint: Point = [number(Buffer.from(x ?? '', 'base64url')), number(Buffer.from(y ?? '', 'base64url'))]
  const [r, s] = rs
  if (r <= 0n || r >= N || s <= 0n || s >= N) return false
  const w = inverse(s, N)
  const u1 = mod(number(digest.subarray(0, 32)) * w, N)
  const u2 = mod(r * w, N)
  const sum = add(multiply(u1, G), multiply(u2, publicPoint))
  return sum !== undefined && mod(sum[0], N) === r
}

type Point = readonly [bigint, bigint]

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const G: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
]

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

/** Extended Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, u, v] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    const q = b / a
    ;[a, b, u, v] = [b - q * a, a, v - q * u, u]
  }
  return mod(u, modulus)
}

/** `undefined` is the point at infinity. The curve's a is −3. */
function add(left: Point | undefined, right: Point | undefined): Point | undefined {
  if (left === undefined) return right
  if (right === undefined) return left
  const same = left[0] === right[0]
  if (same && left[1] !== right[1]) return undefined
  const slope = same
    ? mod((3n * left[0] * left[0] - 3n) * inverse(2n * left[1], P), P)
    : mod((right[1] - left[1]) * inverse(right[0] - left[0], P), P)
  const x = mod(slope * slope - left[0] - right[0], P)
  return [x, mod(slope * (left[0] - x) - left[1], P)]
}

function multiply(scalar: bigint, point: Point): Point | undefined {
  let result: Point | undefined
  for (let rest = scalar, power: Point | undefined = point; rest > 0n; rest >>= 1n, power = add(power, power)) {
    if (rest & 1n) result = add(result, power)
  }
  return result
}

function number(bytes: Uint8Array): bigint {
  return bytes.byteLength === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** SEQUENCE { INTEGER r, INTEGER s }, both short; anything else is no signature. */
function readSignature(bytes: Uint8Array): readonly [bigint, bigint] | undefined {
  const rLength = bytes[3] ?? 0
  const sLength = bytes[5 + rLength] ?? 0
  const wellFormed =
    bytes[0] === 0x30 &&
    bytes[1] === bytes.byteLength - 2 &&
    bytes[2] === 0x02 &&
    bytes[4 + rLength] === 0x02 &&
    6 + rLength + sLength === bytes.byteLength
  if (!wellFormed) return undefined
  return [number(bytes.subarray(4, 4 + rLength)), number(bytes.subarray(6 + rLength))]
}
