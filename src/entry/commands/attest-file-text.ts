import { printable } from '../../core/text.ts'
import type { AttestedFile, FileOutcome } from '../../pipeline/attest-file.ts'
import { errorReceipt } from '../../pipeline/run.ts'
import { renderError } from '../../report/terminal.ts'
import { shellQuote } from '../../report/text.ts'
import type { AttestFile } from './attest-file.ts'

export interface AttestedHow extends Pick<AttestFile, 'paths' | 'trustedRoot' | 'out'> {
  readonly unwitnessed: boolean
  readonly columns: number
}

/** What came of attesting files: lines for people, problems beside them, data for machines. */
export function renderAttested(
  outcomes: readonly FileOutcome[],
  how: AttestedHow,
): { readonly text: string; readonly problems: string; readonly data: object } {
  const files = outcomes.flatMap(({ file }) => file ?? [])
  const lines = [
    ...files.flatMap(linesOf),
    ...(how.unwitnessed && files.length > 0 ? [UNWITNESSED] : []),
    ...(files.length > 0 ? [`verify with: ${verifyCommand(files, how)}`] : []),
  ]
  const problems = outcomes.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${printable(name, 300)}:\n${renderError(error, how.columns)}`],
  )
  const data = { files: outcomes.map(dataOf) }
  return { text: lines.map(line => `${line}\n`).join(''), problems: problems.join(''), data }
}

const UNWITNESSED = 'note: no service has seen these signatures, so nobody can tell when they were made'

function linesOf({ name, digest, bundle, state, by, stored, notes }: AttestedFile): readonly string[] {
  const did = state === 'signed' ? 'signed by' : 'was signed already by'
  return [
    `${printable(name, 300)} ${digest} ${did} ${printable(by, 600)}`,
    `  ${printable(bundle, 600)}`,
    ...(stored === undefined ? [] : [`  ${printable(stored, 600)}`]),
    ...notes.map(note => `  note: ${note}`),
  ]
}

/** 13-adversary 37: every value in single quotes; what cannot be shown is left to the reader. */
function verifyCommand(files: readonly AttestedFile[], { paths, trustedRoot, out }: AttestedHow): string {
  const [first] = files
  const one = files.length === 1 && paths.length === 1
  const words = ['waybill verify file', one ? (shellQuote(paths[0]) ?? 'PATH') : 'PATH…']
  const signer = first?.signed.signer
  if (signer?.kind === 'certificate')
    words.push(
      `--certificate-identity ${shellQuote(signer.san.value) ?? 'IDENTITY'}`,
      `--certificate-oidc-issuer ${shellQuote(signer.issuer) ?? 'ISSUER'}`,
    )
  else words.push('--key PUBLIC-KEY')
  if (trustedRoot !== undefined) words.push(`--trusted-root ${shellQuote(trustedRoot) ?? 'FILE'}`)
  // Elsewhere nobody would find them.
  if (out !== undefined) words.push(`--bundle ${(one ? shellQuote(first?.bundle ?? '') : undefined) ?? 'FILE'}`)
  return words.join(' ')
}

function dataOf({ name, file, error }: FileOutcome): object {
  const told = error === undefined ? {} : { error: errorReceipt(error) }
  if (file === undefined) return { name, state: 'failed', ...told }
  const { digest, bundle, state, by, stored, notes, signed } = file
  const { signer, signedAt, log } = signed
  return {
    name,
    digest,
    bundle,
    state,
    predicateType: signed.statement.predicateType,
    by,
    signer:
      signer.kind === 'key'
        ? { key: `sha256:${signer.fingerprint}` }
        : { san: signer.san.value, issuer: signer.issuer },
    ...(signedAt === undefined ? {} : { signedAt: signedAt.toISOString() }),
    ...(log === undefined ? {} : { log }),
    ...(stored === undefined ? {} : { stored }),
    notes,
    ...told,
  }
}
