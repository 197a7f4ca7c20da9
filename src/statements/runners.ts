/**
 * Labels of GitHub's own runners, the same for everybody. A label outside may be anything: a machine of the organisation, or a
 * larger runner of GitHub's whose name an organisation chose, which nobody else can tell from one.
 * docs.github.com, "GitHub-hosted runners reference"; 13-adversary 40
 */
export const GITHUB_HOSTED_LABELS: ReadonlySet<string> = new Set([
  'ubuntu-latest',
  'ubuntu-24.04',
  'ubuntu-22.04',
  'ubuntu-24.04-arm',
  'ubuntu-22.04-arm',
  'windows-latest',
  'windows-2025',
  'windows-2022',
  'windows-11-arm',
])

/** Ends `builder.id` where a part of the image was built on a machine that nobody but its owner can vouch for. */
export const SELF_HOSTED_SUFFIX = '#self-hosted'

/** Platform → label of the runner that built it. */
export type BuildRunners = Readonly<Record<string, string>>

/** True when one part was built on a runner that is not on the list. */
export function hasSelfHosted(runners: BuildRunners): boolean {
  return Object.values(runners).some(label => !GITHUB_HOSTED_LABELS.has(label))
}
