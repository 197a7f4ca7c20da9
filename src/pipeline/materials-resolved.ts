import { utf8 } from '../core/bytes.ts'
import { sha256 } from '../core/digest.ts'
import type { Outcome } from '../core/verdict.ts'
import { visibleJson } from '../report/visible-json.ts'
import { RESOLVED_MATERIALS_NAME, type ResolvedMaterial, resolvedMaterials } from '../statements/resolved-materials.ts'
import type { AttestPorts, AttestRequest } from './attest-request.ts'
import type { CommitManifest } from './materials-manifest.ts'
import type { FetchedMaterial, JudgedMaterial, MaterialsOutcome } from './materials-outcome.ts'
import type { MaterialsLaw } from './materials-plan.ts'
import { proofWord } from './materials-receipt.ts'
import type { SourceOutcome } from './source-stage.ts'

interface Judged {
  readonly request: AttestRequest
  readonly ports: AttestPorts
  readonly source: SourceOutcome
  readonly law: MaterialsLaw
  readonly mode: 'enforce' | 'audit'
}

interface Found {
  readonly judged: readonly JudgedMaterial[]
  readonly fetched: readonly FetchedMaterial[]
  readonly manifest: CommitManifest | undefined
  readonly dockerfile: { readonly path: string; readonly bytes: Uint8Array }
}

/** Writes `waybill-materials.json` beside the result, also of a run that ends here. @returns its bytes and digest. */
export async function keepResolved(
  { request, ports, source, law, mode }: Judged,
  { judged, fetched, manifest, dockerfile }: Found,
  verdict: Outcome,
): Promise<NonNullable<MaterialsOutcome['resolved']>> {
  const document = resolvedMaterials({
    repository: `${request.serverUrl}/${request.repository}`,
    commit: source.commit.id,
    dockerfile: { path: dockerfile.path, digest: sha256(dockerfile.bytes) },
    ...(manifest === undefined ? {} : { manifest: { path: manifest.path, digest: manifest.digest } }),
    ...(law.name === undefined ? {} : { policy: law.name }),
    mode,
    verdict,
    materials: judged.map(material => resolvedMaterial(material, fetched)),
  })
  const bytes = utf8(`${visibleJson(JSON.stringify(document, null, 2))}\n`)
  const path = await ports.keep(RESOLVED_MATERIALS_NAME, bytes)
  return { bytes, digest: sha256(bytes), path }
}

function resolvedMaterial(judged: JudgedMaterial, fetched: readonly FetchedMaterial[]): ResolvedMaterial {
  const { name, kind, uri, digest, places, verdict, findings, proof } = judged
  const signed = proof?.kind === 'signature' ? { by: proof.by, evidence: proof.evidence } : {}
  const found = fetched.find(one => one.judged.uri === uri && one.judged.name === name)
  return {
    name,
    kind,
    uri,
    digest,
    places: [...new Set(places)],
    verdict,
    proof: proofWord(judged),
    ...signed,
    codes: [...new Set(findings.map(({ code }) => code))],
    ...(found?.from === undefined ? {} : { from: found.from }),
    ...(found?.hosts === undefined ? {} : { hosts: found.hosts }),
    ...(found?.size === undefined ? {} : { size: found.size }),
  }
}
