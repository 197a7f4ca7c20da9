import { asciiOf, type Field, type Reading, wrong } from './read.ts'

/**
 * One spelling to compare e-mail addresses by: the domain in lower case, as DNS compares it; the part before the last "@"
 * exactly as written, since only the mail server knows whether `Alice` is `alice` (RFC 5321 § 2.4).
 */
export function emailKey(email: string): string {
  const at = email.lastIndexOf('@')
  // ASCII letters only: the Kelvin sign's lower case is a plain k, and k is somebody else's domain.
  const domain = email.slice(at + 1).replace(/[A-Z]/g, c => c.toLowerCase())
  return `${email.slice(0, at + 1)}${domain}`
}

export function sameEmail(a: string, b: string): boolean {
  return emailKey(a) === emailKey(b)
}

/** An address as git and certificates write it. */
export function parseEmail(reading: Reading, field: Field): string {
  const email = asciiOf(reading, field)
  if (email.length > 254 || !/^[^\s@<>]+@[^\s@<>]+$/.test(email))
    throw wrong(reading, field, 'is not an e-mail address', 'alice@example.com', email)
  return email
}
