import { decodeBase64, latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'

/**
 * ASCII armor around a binary signature (RFC 9580 § 6.2; OpenSSH PROTOCOL.sshsig § Armored format).
 *
 *     -----BEGIN PGP SIGNATURE-----
 *     Version: GnuPG v2                 zero or more `Name: value` lines, OpenPGP only, unsigned
 *                                       an empty line, OpenPGP only
 *     iQEzBAABCAAdFiEE…                 base64
 *     =njUN                             CRC-24, OpenPGP only, optional
 *     -----END PGP SIGNATURE-----
 *
 * Trap: lenient readers skip what they do not know, so one text can hold two signatures, and two programs each find
 * another one. Here every line has exactly one meaning, and an unknown one refuses.
 */
export function decodePgpArmor(armor: string): Uint8Array {
  const lines = innerLines(armor, 'PGP SIGNATURE')
  const empty = lines.indexOf('')
  // The empty line after no headers is written by every program; RFC 9580 requires it.
  if (empty === -1) throw malformed('no empty line before its base64')
  for (const line of lines.slice(0, empty)) {
    if (!/^[A-Za-z]{1,20}: /.test(line)) throw malformed('a line before its base64 that is no armor header')
  }
  const body = lines.slice(empty + 1)
  const last = body.at(-1) ?? ''
  const hasSum = /^=[A-Za-z0-9+/]{4}$/.test(last)
  const bytes = decodeLines(hasSum ? body.slice(0, -1) : body)
  if (hasSum && crc24(bytes) !== sumOf(last)) throw malformed('a checksum that does not match')
  return bytes
}

/** The SSHSIG blob inside `SSH SIGNATURE` armor. */
export function decodeSshArmor(armor: string): Uint8Array {
  return decodeLines(innerLines(armor, 'SSH SIGNATURE'))
}

/** The CMS inside `SIGNED MESSAGE` armor: base64 lines and nothing else, as gpgsm, smimesign and gitsign write them. */
export function decodeCmsArmor(armor: string): Uint8Array {
  return decodeLines(innerLines(armor, 'SIGNED MESSAGE'))
}

function innerLines(armor: string, kind: string): readonly string[] {
  const lines = armor.split('\n')
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  if (lines.shift() !== `-----BEGIN ${kind}-----`) throw malformed('no beginning')
  if (lines.pop() !== `-----END ${kind}-----`) throw malformed('no end')
  return lines
}

function decodeLines(lines: readonly string[]): Uint8Array {
  // OpenSSH breaks lines after 70 characters wherever that falls: two characters of padding can be the last line.
  if (lines.some(line => !/^(?:[A-Za-z0-9+/]{1,96}={0,2}|==)$/.test(line))) {
    throw malformed('a line that is not base64')
  }
  const text = lines.join('')
  try {
    return decodeBase64(text, 'signature')
  } catch (error) {
    throw malformed('base64 that is not canonical', error)
  }
}

function sumOf(line: string): number {
  return Buffer.from(line.slice(1), 'base64').readUIntBE(0, 3)
}

const CRC_TABLE = crcTable()

function crcTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 16
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1
    table[byte] = crc & 0xffffff
  }
  return table
}

/** RFC 9580 § 6.1. Finds transmission errors only; it proves nothing. */
function crc24(bytes: Uint8Array): number {
  let crc = 0xb704ce
  for (const byte of bytes) crc = ((crc << 8) ^ (CRC_TABLE[((crc >> 16) ^ byte) & 0xff] ?? 0)) & 0xffffff
  return crc
}

function malformed(found: string, cause?: unknown): Error {
  return fail('source/malformed', `The signature's armor cannot be read: it has ${found}`, { found, cause })
}

/** True when the text begins as armor does; binary key files do not. */
export function looksArmored(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 64)).trimStart().startsWith('-----BEGIN ')
}
