import type { CatalogueEntry } from '../catalogue.ts'

/** `deploy/…`: what a deploy needs beside the gate's own verdict. */
export const DEPLOY_ERRORS = {
  'deploy/environment-missing': {
    kind: 'configuration',
    meaning:
      'The identity token of the job names no deployment environment, so nothing proves that this job may deploy there. Nothing was signed or promoted.',
    remedy:
      'Add to the job: environment: NAME, and give that environment protection rules in the repository’s settings.',
  },
  'deploy/environment-mismatch': {
    kind: 'configuration',
    meaning:
      'The identity token of the job is for another deployment environment than the one to deploy to. Nothing was signed or promoted, and nothing is put into quarantine: the artefact has done nothing wrong.',
    remedy: 'Give the job (environment: NAME) and the step (environment: NAME) the same name.',
  },
  'deploy/other-environment': {
    kind: 'configuration',
    meaning: 'The rule that matches names a deployer for another environment than the one to deploy to.',
    remedy: 'Deploy to the environment of the rule, or give this environment a policy with a rule of its own.',
  },
  'deploy/no-deployer': {
    kind: 'configuration',
    meaning:
      'No rule of the policy that matches names a deployer, so nobody would ever ask for the summary that a deploy signs. Nothing was signed.',
    remedy:
      'Add to the rule: admit: [deploy-verified] and deployer: { github: { …, environment: NAME } }, or use the verify action, which signs nothing.',
  },
  'deploy/not-the-deployer': {
    kind: 'configuration',
    meaning:
      'Who would sign here is not whom the rule names as deployer: a cluster would refuse what was signed, so nothing was signed or promoted.',
    remedy:
      'Deploy from the workflow that the rule names, or correct deployer in the rule by the ordinary reviewed way.',
  },
  'deploy/nothing-to-deploy': {
    kind: 'unknown',
    meaning:
      'Nothing that was named is an image or a file that a deploy could let in: a manifest without images, for instance.',
    remedy:
      'Name images, or manifests as they are applied: helm template … > rendered.yaml, kustomize build … > rendered.yaml',
  },
  'deploy/promotion-unclear': {
    kind: 'configuration',
    meaning:
      'A tag to promote fits more than one of the images, or none. Nothing was signed or promoted: a guess could let the wrong image in.',
    remedy: 'Write the tag with its repository: promote: registry/repository:tag',
  },
  'deploy/not-served': {
    kind: 'unknown',
    meaning:
      'What was signed could not be read back from where it was stored, so no cluster would find it. Nothing was promoted.',
    remedy:
      'Deploy again: what is signed already is used again. If it stays, see whether the registry takes referrers.',
  },
  'deploy/not-annotatable': {
    kind: 'configuration',
    meaning:
      'The annotation with the expected identities cannot be written into this manifest without changing something else in it. Nothing was signed or promoted.',
    remedy: 'Write metadata of the pod template as a block of its own, without anchors; or leave annotate out.',
  },
} as const satisfies Record<`deploy/${string}`, CatalogueEntry>
