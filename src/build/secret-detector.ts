/**
 * Finds secrets where they must not be: in build arguments and other values that stay readable for ever.
 * It is a net for accidents, not a proof of absence; every pattern is linear in the length of the text.
 */
const TOKENS: readonly { readonly name: string; readonly pattern: RegExp; readonly mixed?: true }[] = [
  { name: 'a GitHub token', pattern: /(?<![A-Za-z0-9])gh[a-z]_[A-Za-z0-9_.-]{20,}/ },
  { name: 'a GitHub fine-grained token', pattern: /github_pat_[A-Za-z0-9_]{20,}/ },
  { name: 'an AWS access key id', pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/ },
  { name: 'a private key', pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/ },
  { name: 'a JSON web token', pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/ },
  { name: 'an npm token', pattern: /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}/ },
  { name: 'a GitLab token', pattern: /(?<![A-Za-z0-9])gl(?:pat|ptt|dt|rt|cbt|ft|agent)-[A-Za-z0-9_-]{20,}/ },
  { name: 'a Slack token', pattern: /(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}/ },
  { name: 'a Docker token', pattern: /(?<![A-Za-z0-9])dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}/ },
  { name: 'a PyPI token', pattern: /(?<![A-Za-z0-9])pypi-AgE[A-Za-z0-9_-]{20,}/ },
  { name: 'a Google API key', pattern: /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}/ },
  { name: 'a payment service key', pattern: /(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{16,}/ },
  // Kebab-case names may begin with “sk-”, too: a key has digits and letters of both cases.
  { name: 'a secret key', pattern: /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}/, mixed: true },
  { name: 'a password in a URL', pattern: /:\/\/[^\s/:@?#$]{0,256}:[^\s/@?#${}]{1,256}@/ },
]

/** Base64 of `-----BEGIN `, the way multi-line keys are squeezed into one line. */
const ENCODED_PEM = /LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}/

/** Shorter secrets are compared whole: short ones stand in innocent text by chance. */
const CONTAINED_SECRET_CHARACTERS = 8

/** What the value looks like (`a GitHub token`), or `undefined`. Never part of the value itself. */
export function looksLikeSecret(value: string): string | undefined {
  for (const { name, pattern, mixed } of TOKENS) {
    const found = pattern.exec(value)?.[0]
    if (found !== undefined && (mixed === undefined || isMixed(found.slice(3)))) return name
  }
  const encoded = ENCODED_PEM.exec(value)?.[0]
  if (encoded !== undefined && Buffer.from(encoded, 'base64').toString('latin1').includes('PRIVATE KEY'))
    return 'a private key'
  return undefined
}

/** True when the value is, contains, or encodes one of the secrets this run knows. */
export function holdsKnownSecret(value: string, secrets: readonly string[]): boolean {
  return secrets.some(secret => {
    if (secret === '') return false
    if (value.trim() === secret.trim()) return true
    if (secret.length < CONTAINED_SECRET_CHARACTERS) return false
    return value.includes(secret) || value.includes(Buffer.from(secret).toString('base64').replace(/=+$/, ''))
  })
}

function isMixed(text: string): boolean {
  return /[0-9]/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text)
}
