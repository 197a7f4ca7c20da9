import { isMixed, SECRET_FORMS } from './secret-forms.ts'

/** Multi-line keys, and files of keys, are squeezed into one line so. */
const ENCODED = /[A-Za-z0-9+/]{24,}/g

/** Shorter secrets are compared whole: short ones stand in innocent text by chance. */
const CONTAINED_SECRET_CHARACTERS = 8

/**
 * Finds secrets where they must not be: in build arguments and other values that stay readable for ever. It is a net for
 * accidents, not a proof of absence; its time is linear in the length of the text.
 * @returns what the value looks like (`a GitHub token`), or `undefined`. Never part of the value itself.
 */
export function looksLikeSecret(value: string): string | undefined {
  return formOf(value) ?? encodedForm(value)
}

/**
 * What only its name gives away: AWS secret keys and many passwords have no form of their own.
 * @returns `what its name calls a secret`, or `undefined`.
 */
export function namedLikeSecret(name: string, value: string): string | undefined {
  if (!isSecretName(name)) return undefined
  const opaque = (value.match(/[A-Za-z0-9+/]{16,}/g) ?? []).some(text => isMixed(text) || /^[0-9a-f]{32,}$/.test(text))
  return opaque && !isPlace(value) ? 'what its name calls a secret' : undefined
}

/** True where a name says that its value is secret, and not how or where something secret is found. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !ABOUT_SECRETS.test(name)
}

/** A path or an address, whatever its name says. */
export function isPlace(value: string): boolean {
  return /^(?:\.{0,2}\/[^+=]*$|[A-Za-z]:\\|~\/|[a-z][a-z0-9+.-]{1,20}:\/\/)/i.test(value)
}

const SECRET_NAME =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|PRIVATE[_-]?KEY|API[_-]?KEY|ACCESS[_-]?KEY|SIGNING[_-]?KEY|ENCRYPTION[_-]?KEY/i
const ABOUT_SECRETS =
  /(?:FILE|PATH|DIR|URL|URI|HOST|NAME|TYPE|USER|_ID|KEY_ID|ENABLED|REQUIRED|LIFETIME|TTL|VERSION|HEADER|DIGEST|HASH|SHA256|ISSUER|AUDIENCE|LENGTH)$/i

/** True when the value is, contains, or encodes one of the secrets this run knows. */
export function holdsKnownSecret(value: string, secrets: readonly string[]): boolean {
  return secrets.some(secret => {
    if (secret === '') return false
    if (value.trim() === secret.trim()) return true
    if (secret.length < CONTAINED_SECRET_CHARACTERS) return false
    return value.includes(secret) || value.includes(Buffer.from(secret).toString('base64').replace(/=+$/, ''))
  })
}

/** Every place is looked at: a harmless word that begins like a key must not hide the key behind it. */
function formOf(text: string): string | undefined {
  const found = SECRET_FORMS.find(({ pattern, holds }) => {
    if (holds === undefined) return pattern.test(text)
    return [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].some(([whole]) => holds(whole))
  })
  return found?.name
}

/** One layer of base64, where text comes out of it: of a hash, a certificate or an image nothing readable does. */
function encodedForm(value: string): string | undefined {
  for (const [encoded] of value.matchAll(ENCODED)) {
    const text = Buffer.from(encoded, 'base64').toString('latin1')
    // The last letters may be half a byte of what is cut off.
    const form = /^[\t\n\r -~]*$/.test(text.slice(0, -2)) ? formOf(text) : undefined
    if (form !== undefined) return form
  }
  return undefined
}
