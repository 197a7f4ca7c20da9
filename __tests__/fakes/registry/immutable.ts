import { problem, type Reply } from './reply.ts'

/** Whose words refuse to move a tag; `true`: a registry that nobody knows. */
export type ImmutableWording =
  | boolean
  | 'ecr'
  | 'gar'
  | 'quay'
  | 'harbor'
  | 'docker-hub'
  | 'acr'
  | 'acr-lock'
  | 'gitlab'
  | 'nexus'
  | 'alibaba'
  | 'mirantis'

/**
 * As each of them answers a PUT of another manifest under a tag that exists; where each wording is documented stands in
 * `src/registry/immutable-tag.ts`. Status and code where no document names them: those that its kind of refusal has there.
 */
export function immutableTag(wording: ImmutableWording, tag: string, repository: string): Reply {
  switch (wording) {
    case 'ecr':
      return problem(
        400,
        'TAG_INVALID',
        `The image tag '${tag}' already exists in the '${repository}' repository and cannot be overwritten because the repository is immutable.`,
      )
    case 'gar':
      return problem(400, 'MANIFEST_INVALID', `cannot update tag ${tag}. The repository has enabled tag immutability`)
    case 'quay':
      return problem(409, 'TAG_IMMUTABLE', 'tag cannot be changed', { message: `tag '${tag}' is immutable` })
    case 'harbor':
      return problem(
        412,
        'PRECONDITION',
        `Failed to process request due to '${repository}:${tag}' configured as immutable.`,
      )
    case 'docker-hub':
      return problem(
        403,
        'DENIED',
        'This tag is already assigned to an image in this repository and cannot be updated due to immutability settings.',
      )
    case 'acr':
      return problem(405, 'DENIED', 'Write operation is not allowed on locked tag.')
    case 'acr-lock':
      return problem(
        405,
        'REGISTRY_DISALLOWED_OPERATION',
        'The operation is disallowed on this registry, repository or image.',
      )
    case 'gitlab':
      return problem(400, 'TAG_INVALID', 'tag refused', `tag "${tag}" is immutable`)
    case 'nexus':
      return problem(400, 'UNKNOWN', 'Repository does not allow updating assets')
    case 'alibaba':
      return problem(400, 'DENIED', 'The requested tag already exists and cannot be overwritten.')
    case 'mirantis':
      return problem(
        400,
        'UNKNOWN',
        `tag=${tag} cannot be overwritten because ${repository} is an immutable repository`,
      )
    default:
      return problem(400, 'TAG_INVALID', 'the tag is immutable')
  }
}
