import { outputOf, PLANNED_PLATFORMS } from '../build/plan.ts'
import { ATTEST_INPUTS, type InputRow, type OutputRow } from '../github/input-table.ts'

/** Inputs of the doors of the reusable workflow `build.yml`: those of the root action by name, and a few of their own. */
function ofRoot(...names: readonly string[]): readonly InputRow[] {
  return names.map(name => {
    const row = ATTEST_INPUTS.find(one => one.name === name)
    if (row === undefined) throw new TypeError(`the root action has no input ${name}`)
    // Whether it is served is decided there: each is handed on.
    return { ...row, served: true }
  })
}

function own(name: string, description: string, byDefault?: string): InputRow {
  return { name, served: true, description, ...(byDefault === undefined ? {} : { default: byDefault }) }
}

const PLAN = own('plan', 'Output plan of the job prepare, from needs.')
const CALLED = own(
  'workflow-ref',
  'The called workflow with its ref, job.workflow_ref: whose earlier statements may help to judge.',
)
const PASSWORD = own(
  'registry-password',
  'PASSWORD or USER:PASSWORD for the registry of images, or HOST=USER:PASSWORD, one a line.',
)
/** What shapes the image, and what is found out about it. */
const SHAPE = ['context', 'file', 'target', 'build-args', 'labels', 'annotations', 'sbom', 'reproducible'] as const
const JUDGED_BY = ['policy', 'since', 'materials'] as const
const COMMON = ['trusted-root', 'insecure-registries', 'ca-certificates', 'github-token', 'summary', 'result'] as const

export const PREPARE_INPUTS: readonly InputRow[] = [
  ...ofRoot(...JUDGED_BY, ...SHAPE, 'images', 'tags', 'push', 'platforms'),
  own('runners', 'JSON object: platform to label of its runner, or to a list of labels.'),
  own('self-hosted', 'Labels outside the list of GitHub-hosted runners are meant: true or false.', 'false'),
  CALLED,
  PASSWORD,
  ...ofRoot(...COMMON),
]

export const PREPARE_OUTPUTS: readonly OutputRow[] = [
  { name: 'plan', description: 'What the jobs behind this one are held to, as JSON.' },
  { name: 'matrix', description: 'Platforms with their runners, as JSON for a matrix.' },
  { name: 'push', description: 'true when the parts are pushed.' },
  { name: 'sign', description: 'true when the image is put together and signed.' },
  { name: 'source-verdict', description: 'passed, rejected, unknown or not-asked.' },
  { name: 'materials-verdict', description: 'passed, rejected, unknown or not-asked.' },
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all stages that were asked for.' },
  { name: 'result', description: 'Path of the result JSON.' },
]

export const LEG_INPUTS: readonly InputRow[] = [
  PLAN,
  own('platform', 'The one platform of the plan that this job builds.'),
  own('builder', 'auto, buildx or buildah.', 'auto'),
  ...ofRoot(...JUDGED_BY, ...SHAPE, 'secrets'),
  CALLED,
  PASSWORD,
  ...ofRoot(...COMMON),
]

export const LEG_OUTPUTS: readonly OutputRow[] = [
  ...PLANNED_PLATFORMS.map(platform => ({
    name: outputOf(platform),
    description: `What was built for ${platform}, as JSON; empty for another platform.`,
  })),
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all stages that were asked for.' },
  { name: 'result', description: 'Path of the result JSON.' },
]

export const SIGN_INPUTS: readonly InputRow[] = [
  PLAN,
  own('parts', 'All outputs of the jobs that built, as JSON, from needs.'),
  own('workflow-commit', 'Commit that these steps were taken from; must be the one that the identity token names.'),
  ...ofRoot(...JUDGED_BY, ...SHAPE, 'tags', 'signing-config', 'transparency-log'),
  PASSWORD,
  ...ofRoot(...COMMON),
]

export const SIGN_OUTPUTS: readonly OutputRow[] = [
  { name: 'digest', description: 'Digest of the image (sha256:…).' },
  { name: 'image', description: 'repository@digest of the first repository.' },
  { name: 'platforms', description: 'Platforms with their digests, as JSON.' },
  { name: 'tags', description: 'Tags that were set, one a line.' },
  { name: 'verdict', description: 'passed, rejected or unknown: the worst of all stages that were asked for.' },
  { name: 'bundles', description: 'Paths of the bundles, one a line.' },
  { name: 'attestations', description: 'Attestations with their referrers, as JSON.' },
  { name: 'result', description: 'Path of the result JSON.' },
]
