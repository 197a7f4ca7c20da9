import { fail } from '../core/error.ts'

/**
 * Every URI that Waybill mints for itself hangs on this one constant (13-adversary 44): no name is claimed that nobody owns.
 * `.invalid` can never resolve (RFC 2606), so nobody can register it and publish a page that redefines what was signed.
 */
export const OWN_URI_BASE = 'https://example.invalid/waybill'

/**
 * Stops whoever is about to sign in a release while the names have no home.
 * @param release whether this is a release build. @throws `statements/placeholder-uri`
 */
export function requireOwnNames(release: boolean, base = OWN_URI_BASE): void {
  if (!release || !new URL(base).hostname.endsWith('.invalid')) return
  throw fail('statements/placeholder-uri', 'A release does not sign with names that nobody owns', {
    expected: 'names under a host of the project',
    found: base,
  })
}

/** A build that Waybill drove, on an event which GitHub's published build type does not list. docs/predicates/workflow-v1.md */
export const WORKFLOW_BUILD_TYPE = `${OWN_URI_BASE}/buildtypes/workflow/v1`

/** A digest that Waybill did not build, only recorded. docs/predicates/recorded-v1.md; 13-adversary 15 */
export const RECORDED_BUILD_TYPE = `${OWN_URI_BASE}/buildtypes/recorded/v1`

/** What was judged about a commit and every one before it. docs/predicates/source-verification.md */
export const SOURCE_VERIFICATION_PREDICATE = `${OWN_URI_BASE}/source-verification/v0.1`

/** `verifier.id` of source summaries: the rules by which Waybill judges commits, whoever runs them. docs/predicates/source-vsa.md */
export const SOURCE_VERIFIER_ID = `${OWN_URI_BASE}/verifiers/source`

/** A word against an artefact, or its end. docs/predicates/quarantine.md */
export const QUARANTINE_PREDICATE = `${OWN_URI_BASE}/quarantine/v0.1`

/** What runs, as the platform itself saw it. docs/predicates/deployment.md */
export const DEPLOYMENT_PREDICATE = `${OWN_URI_BASE}/deployment/v0.1`

/** GitHub's own build type. actions.github.io/buildtypes/workflow/v1 */
export const GITHUB_BUILD_TYPE = 'https://actions.github.io/buildtypes/workflow/v1'

/** The events that page allows. Any other event gets `WORKFLOW_BUILD_TYPE`. */
export const GITHUB_BUILD_TYPE_EVENTS: readonly string[] = ['push', 'create', 'release', 'workflow_dispatch']
