import { resolve } from 'node:path'
import { maybe } from '../../core/maybe.ts'
import { writeFileAtomic } from '../../io/files.ts'
import { type Comparison, compareInspections } from '../../report/compare.ts'
import { renderComparisonPage } from '../../report/html-comparison.ts'
import { renderInspectionPage } from '../../report/html-inspection.ts'
import type { Inspection } from '../../report/inspection.ts'
import { inspectionJson } from '../../report/inspection-json.ts'
import { renderComparison, renderInspection } from '../../report/inspection-text.ts'
import { wantsColour } from '../../report/terminal.ts'
import { type InspectWish, inspectImages } from '../inspect.ts'
import { readVerifyWish, VERIFY_OPTIONS } from '../verify-options.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'

export interface Inspect extends InspectWish {
  /** One, or two to be compared. */
  readonly images: readonly [string, ...string[]]
  /** Where the page goes, as written. */
  readonly html?: string
  readonly json: boolean
  readonly quiet: boolean
}

const {
  policy,
  'certificate-identity': identity,
  'certificate-oidc-issuer': issuer,
  repository,
  'repository-id': repositoryId,
  signer,
  caller,
  'source-ref': sourceRef,
  key,
  stage,
  require,
  'predicate-type': predicateType,
  bundle,
  'trusted-root': trustedRoot,
  offline,
  'insecure-registry': insecureRegistry,
  quiet,
} = VERIFY_OPTIONS

/** Of `waybill verify image`: who is expected, and where evidence lies. */
const OPTIONS = {
  policy,
  'certificate-identity': identity,
  'certificate-oidc-issuer': issuer,
  repository,
  'repository-id': repositoryId,
  signer,
  caller,
  'source-ref': sourceRef,
  key,
  stage,
  require,
  'predicate-type': predicateType,
  bundle,
  'trusted-root': trustedRoot,
  offline,
  'insecure-registry': insecureRegistry,
  quiet,
  html: { type: 'string' },
} as const

export const inspectCommand = command({
  words: 'inspect',
  synopsis: 'inspect REFERENCE [REFERENCE] [--html FILE]',
  usage: `waybill inspect – what is attached to an image, by whom: its whole chain; of two images, what changed

  waybill inspect REFERENCE [REFERENCE] [--html FILE]

Draws image, platforms, signatures, provenance, commit, source summary with its commits and signers, materials, deploy summaries
and quarantine records, each with whose word it is. Nothing is judged: the exit code is 0 for whatever could be described. With
--policy, or flags that say who is expected, the gate judges too, and its verdict stands beside.

  --html FILE                         also write one page that needs nothing else: no script, no network
  --json                              the same as JSON on stdout
  --quiet                             nothing on stdout

Who is expected (optional; as waybill verify image has it):
  --policy FILE                       the first deploy rule that matches
  --certificate-identity TEXT, --certificate-oidc-issuer URL, --repository OWNER/NAME, --repository-id NUMBER|any,
  --signer WORKFLOW@REF, --source-ref REF|any, --caller WORKFLOW@REF, --key FILE, --require ITEMS, --stage deploy|run,
  --predicate-type URI

Against what, and where evidence lies:
  --trusted-root FILE                 trust root of an own Sigstore (default: the public instance)
  --bundle FILE                       a bundle on disk, or an OCI layout (may be repeated)
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)
  --offline                           ask no server at all: what is on disk must suffice

Example:
  waybill inspect ghcr.io/acme/app:v1 ghcr.io/acme/app:v2 --html changes.html
`,
  options: OPTIONS,
  read: readInspect,
  run: runInspect,
})

/** @throws `entry/usage` for no reference or more than two, and for flags beside a policy. */
export function readInspect({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): Inspect {
  const [first, ...more] = references
  if (first === undefined) throw usage('There is nothing to inspect', 'waybill inspect REFERENCE', 'no reference')
  noMore(references, 'inspect', 2)
  const { html, json = false, ...rest } = values
  const wish = readVerifyWish({ values: rest, references })
  return { images: [first, ...more], ...wish, ...maybe('html', html), json }
}

async function runInspect(wish: Inspect, desk: Desk): Promise<number> {
  const [first, second] = await inspectImages(wish.images, wish, desk)
  if (first === undefined) throw new TypeError('inspectImages() without an image')
  const changes = second === undefined ? undefined : compareInspections(first, second)
  const images = second === undefined ? ([first] as const) : ([first, second] as const)
  if (wish.html !== undefined) {
    const page =
      images.length === 2 && changes !== undefined ? renderComparisonPage(images, changes) : renderInspectionPage(first)
    await writeFileAtomic(resolve(desk.world.workingFolder, wish.html), page)
  }
  show(images, changes, wish, desk)
  return 0
}

function show(
  images: readonly [Inspection] | readonly [Inspection, Inspection],
  changes: Comparison | undefined,
  { json, quiet }: Inspect,
  { world, env }: Desk,
): void {
  if (json) world.out(inspectionJson(images, changes))
  if (json || quiet) return
  const options = { colour: wantsColour(env.NO_COLOR, world.isTerminal), columns: world.columns }
  if (images.length === 2 && changes !== undefined) world.out(renderComparison(images, changes, options))
  else world.out(renderInspection(images[0], options))
}
