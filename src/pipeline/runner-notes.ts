import { type BuildRunners, GITHUB_HOSTED_LABELS } from '../statements/runners.ts'

/** Where the parts of an image were built, for whoever reads the summary; nothing where one job built it all (13-adversary 40). */
export function runnerNotes(runners: BuildRunners | undefined): readonly string[] {
  if (runners === undefined) return []
  const own = Object.entries(runners).filter(([, label]) => !GITHUB_HOSTED_LABELS.has(label))
  const all = `The parts were built on: ${listed(Object.entries(runners))}.`
  if (own.length === 0) return [all]
  return [
    `${all} GitHub does not vouch for ${listed(own)}, so Build L3 is not claimed: builder.id ends in #self-hosted, and a rule with runner: github-hosted refuses this image.`,
  ]
}

function listed(runners: readonly (readonly [string, string])[]): string {
  return runners.map(([platform, label]) => `${platform} on ${label}`).join(', ')
}
