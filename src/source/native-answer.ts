import { printable } from '../core/text.ts'

/** What another program says about one signature: mathematics and the key, nothing about trust. */
export type NativeAnswer =
  | { readonly kind: 'valid'; readonly fingerprint: string }
  /** It does not fit the bytes. */
  | { readonly kind: 'invalid'; readonly said: string }
  /** The key is none of those given; `held` are those that the program took. */
  | { readonly kind: 'no-key'; readonly said: string; readonly held: ReadonlySet<string> }
  /** It gives no answer: an algorithm that it does not know, a shape that it does not read. */
  | { readonly kind: 'unjudged'; readonly said: string }

/** Words that say "the mathematics holds": for a date or a revocation gpg has other words, and the policy its own rules. */
const GOOD = ['GOODSIG', 'EXPSIG', 'EXPKEYSIG', 'REVKEYSIG'] as const
/** Status of `ERRSIG` when the key is not there. GnuPG doc/DETAILS, ERRSIG <rc>. */
const NO_KEY = '9'

/**
 * Reads the status lines of `gpg --verify` (GnuPG 2.2 doc/DETAILS, "Format of the --status-fd output"):
 *
 *     [GNUPG:] GOODSIG  <key id> <user id>            or EXPSIG, EXPKEYSIG, REVKEYSIG
 *     [GNUPG:] VALIDSIG <fingerprint> <date> <time> <expires> <version> <reserved> <algorithm> <hash> <class> <primary>
 *     [GNUPG:] BADSIG   <key id> <user id>
 *     [GNUPG:] ERRSIG   <key id> <algorithm> <hash> <class> <time> <rc> <fingerprint>
 *
 * Traps: (1) two signatures give two answers, and reading the first one is how others were fooled: exactly one counts;
 * (2) user ids are the key owner's own text; gpg escapes line ends in them, and none is looked at.
 */
export function readGpgStatus(status: string, held: ReadonlySet<string>): NativeAnswer {
  const lines = status.split('\n').flatMap(line => {
    const [mark, word = '', ...rest] = line.split(' ')
    return mark === '[GNUPG:]' ? [{ word, rest }] : []
  })
  const about = lines.filter(({ word }) => word === 'BADSIG' || word === 'ERRSIG' || isGood(word))
  const [only, second] = about
  const said = printable(about.map(({ word }) => word).join(' ') || 'nothing', 200)
  if (only === undefined || second !== undefined || count(lines, 'NEWSIG') > 1) return { kind: 'unjudged', said }
  if (only.word === 'BADSIG') return { kind: 'invalid', said }
  if (only.word === 'ERRSIG')
    return only.rest[5] === NO_KEY
      ? { kind: 'no-key', said, held }
      : { kind: 'unjudged', said: `${said} ${only.rest[5] ?? ''}` }
  const [valid, another] = lines.filter(({ word }) => word === 'VALIDSIG')
  const [fingerprint = ''] = valid?.rest ?? []
  const ofDocument = ['00', '01'].includes(valid?.rest[8] ?? '')
  if (another !== undefined || !ofDocument || !/^[0-9A-F]{40}(?:[0-9A-F]{24})?$/.test(fingerprint))
    return { kind: 'unjudged', said }
  return { kind: 'valid', fingerprint }
}

function isGood(word: string): boolean {
  return GOOD.some(good => good === word)
}

function count(lines: readonly { readonly word: string }[], wanted: string): number {
  return lines.filter(({ word }) => word === wanted).length
}

/** Fingerprints in `gpg --with-colons --list-keys` (doc/DETAILS, field 10 of `fpr`). */
export function readKeyList(list: string): ReadonlySet<string> {
  const fingerprints = list.split('\n').map(line => line.split(':'))
  return new Set(fingerprints.flatMap(fields => (fields[0] === 'fpr' && fields[9] !== undefined ? [fields[9]] : [])))
}

/**
 * Reads `ssh-keygen -Y check-novalidate` (OpenSSH 8.2 and later): exit code 0 and one line on stdout for a good signature,
 * another code and a sentence on stderr for everything else.
 */
export function readSshKeygen(code: number, stdout: string, stderr: string): NativeAnswer {
  const fingerprint = /^Good "git" signature with \S+ key (SHA256:[A-Za-z0-9+/]{43})\n$/.exec(stdout)?.[1]
  if (code === 0 && fingerprint !== undefined) return { kind: 'valid', fingerprint }
  const said = printable(stderr.trim().replaceAll(/\r?\n/g, '; '), 200) || `exit code ${code}`
  if (code !== 0 && /^Signature verification failed: incorrect signature\r?$/m.test(stderr))
    return { kind: 'invalid', said }
  return { kind: 'unjudged', said }
}
