import { printable } from '../../core/text.ts'
import type { AttestedFile, FileOutcome } from '../../pipeline/attest-file.ts'
import { errorReceipt } from '../../pipeline/run.ts'
import { renderError } from '../../report/terminal.ts'
import { shellQuote } from '../../report/text.ts'

/** What came of attesting files: lines for people, problems beside them, data for machines. */
export function renderAttested(
  outcomes: readonly FileOutcome[],
  { unwitnessed, columns }: { readonly unwitnessed: boolean; readonly columns: number },
): { readonly text: string; readonly problems: string; readonly data: object } {
  const files = outcomes.flatMap(({ file }) => file ?? [])
  const lines = [
    ...files.flatMap(linesOf),
    ...(unwitnessed && files.length > 0 ? [UNWITNESSED] : []),
    ...(files.length > 0 ? [`verify with: ${verifyCommand(files)}`] : []),
  ]
  const problems = outcomes.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${printable(name, 300)}:\n${renderError(error, columns)}`],
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

/** 13-adversary 37: every value in single quotes; a name that cannot be shown is left to the reader. */
function verifyCommand(files: readonly AttestedFile[]): string {
  const [first] = files
  const names = files.length === 1 && first !== undefined ? (shellQuote(first.name) ?? 'PATH') : 'PATH…'
  const signer = first?.signed.signer
  if (signer?.kind !== 'certificate') return `waybill verify file ${names} --key PUBLIC-KEY`
  const [identity, issuer] = [shellQuote(signer.san.value), shellQuote(signer.issuer)]
  return `waybill verify file ${names} --certificate-identity ${identity ?? 'IDENTITY'} --certificate-oidc-issuer ${issuer ?? 'ISSUER'}`
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
