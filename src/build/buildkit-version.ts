import { fail } from '../core/error.ts'
import type { AllowedMaterials } from './allowed.ts'
import type { ToolRecord } from './builder.ts'

/** BuildKit 0.24 is the first that leaves out submodules when it is told to; older ones do not know the words and fetch them. */
const OLDEST_MINOR = 24

/**
 * An older BuildKit would fetch submodules from wherever a repository says, around the policy, which sees the repository alone.
 * @returns a sentence when the version is not known: a builder that was not started yet, or one built from its source.
 * @throws `materials/policy-not-enforced` for a builder that is known to be older
 */
export function submodulesOf(
  { repositories }: Pick<AllowedMaterials, 'repositories'>,
  tools: readonly ToolRecord[],
): string | undefined {
  if (repositories.length === 0) return undefined
  const versions = tools.filter(({ name }) => name === 'buildkit').map(({ version }) => version)
  const old = versions.find(version => minorOf(version) !== undefined && (minorOf(version) ?? 0) < OLDEST_MINOR)
  if (old !== undefined)
    throw fail('materials/policy-not-enforced', 'The builder would fetch submodules of repositories, undeclared', {
      expected: `BuildKit v0.${OLDEST_MINOR} or newer`,
      found: old,
      remedy: `Use BuildKit v0.${OLDEST_MINOR} or newer, or fetch the repository with use: {build-context: NAME} in the materials manifest.`,
    })
  const known = versions.length > 0 && versions.every(version => minorOf(version) !== undefined)
  return known
    ? undefined
    : `The builder does not say its version: before BuildKit v0.${OLDEST_MINOR} it fetches submodules of repositories, too.`
}

/** Of `v0.26.3`; a later major counts as new. `v0.0.0+unknown` is none. */
function minorOf(version: string): number | undefined {
  const [, major, minor] = /^v?(\d{1,4})\.(\d{1,4})\./.exec(version) ?? []
  if (major === undefined || (Number(major) === 0 && Number(minor) === 0)) return undefined
  return Number(major) > 0 ? Number.MAX_SAFE_INTEGER : Number(minor)
}
