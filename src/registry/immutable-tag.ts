import { decodeUtf8 } from '../core/bytes.ts'
import { fail, type WaybillError } from '../core/error.ts'
import type { HttpAnswer } from '../io/http.ts'
import { formatReference, type Repository } from './reference.ts'

/**
 * How registries say that a tag exists and may not be moved. The status may be 400, 403, 405, 409 or 412, so that the words
 * decide: a plain 403 or 412 means something else. Where they come from:
 *
 *     Amazon ECR         … cannot be overwritten because the repository is immutable; ImageTagAlreadyExistsException
 *                        (ECR user guide, image-tag-mutability)
 *     Artifact Registry  The repository has enabled tag immutability (cloud.google.com/artifact-registry/docs/docker/troubleshoot, push)
 *     Quay               TAG_IMMUTABLE, detail: tag '…' is immutable (quay/quay endpoints/v2/manifest.py); TAG_ALREADY_EXISTS
 *                        (endpoints/v2/errors.py)
 *     Harbor             412, Failed to process request due to '…' configured as immutable (goharbor/harbor, middleware immutable)
 *     Docker Hub         … cannot be updated due to immutability settings (docker/hub-feedback 2466)
 *     Azure              The operation is disallowed on this registry, repository or image (learn.microsoft.com, troubleshooting of
 *                        push: locks first, full storage second); … not allowed on locked …
 *     GitLab             detail: tag "…" is immutable (GitLab container registry, registry/handlers/manifests.go)
 *     Nexus              Repository does not allow updating assets (Sonatype, deployment policy "disable redeploy")
 *     Alibaba            The requested tag already exists and cannot be overwritten (Container Registry, immutable repositories)
 *     Mirantis           tag=… cannot be overwritten because … is an immutable repository (MSR, prevent tags from being overwritten)
 */
const WORDS =
  /immutab|cannot be overwritten|TAG_ALREADY_EXISTS|ImageTagAlreadyExists|not allowed on locked|operation is disallowed|not allow updat/i

/** True when the answer to a PUT under a tag says that the tag exists and may not be moved. */
export function saysImmutable(answer: HttpAnswer): boolean {
  if (answer.status < 400 || answer.status >= 500) return false
  return WORDS.test(decodeUtf8(answer.body) ?? '')
}

/** A user's tag can be another one; the tag that lists an image's referrers has the one name it must have. */
export function immutableTag(repository: Repository, tag: string): WaybillError {
  const name = formatReference({ ...repository, tag })
  const listsReferrers = /^sha256-/.test(tag)
  const remedy = listsReferrers
    ? `Keep the tags that begin with sha256- movable, they list what is attached to an image. ${settingFor(repository)}`
    : `Give each image a tag of its own, or exclude this tag from the immutability. ${settingFor(repository, tag)}`
  return fail('registry/tag-immutable', `The registry does not let ${name} point elsewhere`, { remedy })
}

/** The setting to change, by whose registry it is. Names come from parsed references: no quoting is needed in them. */
function settingFor({ host, repository }: Repository, tag = 'sha256-*'): string {
  const ecr = /^\d{12}\.dkr[.-]ecr[.-]([a-z0-9-]+)\./.exec(host)
  if (ecr !== null)
    return `Amazon ECR: aws ecr put-image-tag-mutability --region ${ecr[1]} --repository-name ${repository} --image-tag-mutability IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters 'filterType=WILDCARD,filter=${tag}'`
  const gar = /^([a-z0-9-]+)-docker\.pkg\.dev$/.exec(host)
  const [project, name] = repository.split('/')
  if (gar !== null)
    return `Artifact Registry knows no exceptions: gcloud artifacts repositories update ${name ?? 'NAME'} --project=${project} --location=${gar[1]} --no-immutable-tags`
  const acr = /^([a-z0-9]+)\.azurecr\.io$/.exec(host)
  if (acr !== null)
    return `Azure: az acr repository update --name ${acr[1]} --image '${repository}:<tag>' --write-enabled true; if nothing is locked, the storage is full: az acr show-usage --name ${acr[1]}`
  if (host === 'quay.io')
    return `Quay: https://quay.io/repository/${repository}?tab=settings, Tag Immutability: exclude ${tag} from the policy`
  if (host === 'docker.io')
    return `Docker Hub: https://hub.docker.com/repository/docker/${repository}/settings, Tag mutability settings: choose specific tags, and leave out ${tag}`
  return `In the registry’s settings this is called tag immutability (Quay: Settings, Tag Immutability; Harbor: project, Policy, Tag Immutability; GitLab: Settings, Packages and registries, Protected container tags): exclude ${tag} from it`
}
