import { extension } from './certificate.ts'
import { utf8String } from './der.ts'

const ARC = '1.3.6.1.4.1.57264.1'

/** A text in which `{claim}` stands for a claim, and `{url}` for the platform's own address. */
type Template = string

/** Fulcio's own templates for GitHub (`config/identity/config.yaml`, type `github-workflow`), by the last number of the OID. */
const LEGACY: readonly (readonly [number, Template])[] = [
  [2, '{event_name}'],
  [3, '{sha}'],
  [4, '{workflow}'],
  [5, '{repository}'],
  [6, '{ref}'],
]
const CURRENT: readonly (readonly [number, Template])[] = [
  [9, '{url}/{job_workflow_ref}'],
  [10, '{job_workflow_sha}'],
  [11, '{runner_environment}'],
  [12, '{url}/{repository}'],
  [13, '{sha}'],
  [14, '{ref}'],
  [15, '{repository_id}'],
  [16, '{url}/{repository_owner}'],
  [17, '{repository_owner_id}'],
  [18, '{url}/{workflow_ref}'],
  [19, '{workflow_sha}'],
  [20, '{event_name}'],
  [21, '{url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}'],
  [22, '{repository_visibility}'],
  [23, '{environment}'],
  [24, '{sub}'],
]

/** `<url>/<job_workflow_ref>`: the subject alternative name. @throws when the claim is missing. */
export function subjectAlternativeName(claims: Readonly<Record<string, unknown>>): string {
  return fill('{url}/{job_workflow_ref}', claims)
}

/**
 * Extensions .1 – .6 as raw text, .8 – .24 as DER UTF8String, empty ones left out, as Fulcio does.
 * @throws when a claim that a template names is missing; `environment` alone is optional.
 */
export function githubExtensions(claims: Readonly<Record<string, unknown>>): Buffer[] {
  const issuer = String(claims.iss)
  const legacy = LEGACY.map(([id, template]) => [id, fill(template, claims)] as const)
  const current = CURRENT.map(([id, template]) => [id, fill(template, claims)] as const)
  return [
    extension(`${ARC}.1`, Buffer.from(issuer)),
    ...legacy.filter(present).map(([id, value]) => extension(`${ARC}.${id}`, Buffer.from(value))),
    extension(`${ARC}.8`, utf8String(issuer)),
    ...current.filter(present).map(([id, value]) => extension(`${ARC}.${id}`, utf8String(value))),
  ]
}

/** What every certificate says of the token's issuer: once raw, once as DER UTF8String. */
export function issuerExtensions(issuer: string): Buffer[] {
  return [extension(`${ARC}.1`, Buffer.from(issuer)), extension(`${ARC}.8`, utf8String(issuer))]
}

const present = ([, value]: readonly [number, string]): boolean => value !== ''

function fill(template: Template, claims: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{(\w+)\}/g, (_, claim: string) => {
    const value = claims[claim] ?? (claim === 'environment' ? '' : undefined)
    if (typeof value !== 'string') throw new Error(`the token has no usable claim ${claim}`)
    return value
  })
}
