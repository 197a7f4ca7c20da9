import type { MaterialReceipt } from '../report/receipt.ts'
import type { FetchedMaterial, JudgedMaterial } from './materials-outcome.ts'

/** @param previous `placeName` → digest, of the last attested image of this branch. */
export function materialReceipt(
  judged: JudgedMaterial,
  previous: ReadonlyMap<string, string>,
  fetched: readonly FetchedMaterial[] = [],
): MaterialReceipt {
  const { name, kind, places, verdict, findings, proof } = judged
  const digest = digestText(judged.digest)
  const hosts = foreignHosts(judged, fetched)
  const before = previous.get(placeName(name))
  return {
    name,
    kind,
    places: [...new Set(places)],
    digest,
    ...(before === undefined || before === digest || digest === '' ? {} : { previous: before }),
    verdict,
    proof: proofWord(judged),
    ...(proof?.kind === 'signature' ? { by: proof.by } : {}),
    ...(hosts.length === 0 ? {} : { hosts }),
    findings,
  }
}

function foreignHosts({ uri }: JudgedMaterial, fetched: readonly FetchedMaterial[]): readonly string[] {
  const { hosts = [] } = fetched.find(one => one.judged.uri === uri) ?? {}
  const address = uri.replace(/^git\+/, '')
  const own = URL.canParse(address) ? new URL(address).host : ''
  return hosts.filter(host => host !== own)
}

/** A signature by a key that the judged commit declares is its author's word, and is called so (4-materials § 5). */
export function proofWord({ proof }: Pick<JudgedMaterial, 'proof'>): MaterialReceipt['proof'] {
  if (proof === undefined) return 'none'
  if (proof.kind === 'digest') return 'pinned'
  return proof.keys === 'policy' ? 'signed' : 'declared'
}

/** `sha256:…`, or what else there is; empty: nobody found out. */
export function digestText(digest: Readonly<Record<string, string>>): string {
  const { sha256, gitCommit } = digest
  if (sha256 !== undefined) return `sha256:${sha256}`
  if (gitCommit !== undefined) return gitCommit
  const [[algorithm, hex] = []] = Object.entries(digest)
  return algorithm === undefined || hex === undefined ? '' : `${algorithm}:${hex}`
}

/** What stays when another digest is meant by it. */
export function placeName(name: string): string {
  return name.replace(/@sha256:[0-9a-f]{64}$/, '')
}
