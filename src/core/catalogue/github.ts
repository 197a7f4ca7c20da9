import type { CatalogueEntry } from '../catalogue.ts'

export const GITHUB_ERRORS = {
  'github/context-malformed': {
    kind: 'configuration',
    meaning: 'A variable that the runner sets is missing or not spelled as GitHub documents it.',
    remedy: 'Run this as a step of a GitHub Actions job; elsewhere use the command line.',
  },
  'github/event-malformed': {
    kind: 'unknown',
    meaning: 'The event file of the run is not what GitHub documents for this event, so what happened is not known.',
    remedy: 'Run the job again; if it stays, report it with the name of the event.',
  },
  'github/event-refused': {
    kind: 'configuration',
    meaning:
      'This event runs with the rights of the base repository on content that somebody else chose, or is none that an image is built for.',
    remedy:
      'Run the step on push, pull_request, merge_group, release, workflow_dispatch, repository_dispatch or schedule.',
  },
  'github/id-token-missing': {
    kind: 'configuration',
    meaning: 'The job may not ask GitHub for an identity token, so nothing can be signed keyless.',
    remedy: 'Add to the job: permissions: { contents: read, packages: write, id-token: write }',
  },
  'github/fork-no-token': {
    kind: 'configuration',
    meaning:
      'GitHub gives no identity token to a run for a fork’s or Dependabot’s pull request, whatever permissions the workflow names.',
    remedy: 'Leave `sign` at auto: the checks run, the image is built unpushed, and signing happens after the merge.',
  },
  'github/token-refused': {
    kind: 'unknown',
    meaning: 'GitHub’s token service did not issue an identity token.',
    remedy: 'Run the job again; if it stays, check `id-token: write` and the service’s status page.',
  },
  'github/token-invalid': {
    kind: 'rejected',
    meaning: 'The identity token is not one that its issuer signed for this purpose, or it has expired.',
    remedy: 'Check where ACTIONS_ID_TOKEN_REQUEST_URL points, and the clock of the machine.',
  },
  'github/token-mismatch': {
    kind: 'rejected',
    meaning: 'The identity token speaks of another repository, run or commit than the runner’s variables.',
    remedy: 'Nothing in a job should set GITHUB_* variables or the token’s request URL; remove what does.',
  },
  'github/keys-unreachable': {
    kind: 'unknown',
    meaning: 'The keys of the token’s issuer could not be fetched, so the token was not checked and not used.',
    remedy: 'Run the job again; if it stays, check that the machine can reach the issuer.',
  },
  'github/api-permission': {
    kind: 'unknown',
    meaning:
      'The platform’s API does not show something to this token. It answers alike for what is not there and for what the token may not see, so nothing follows from it.',
    remedy: 'Add to the job: permissions: { contents: read, pull-requests: read }',
  },
  'github/api-rate-limited': {
    kind: 'unknown',
    meaning:
      'The platform’s API has answered as many questions as it will for now; what it was asked last is not known.',
    remedy: 'Run again later, or with a token of its own.',
  },
  'github/api-refused': {
    kind: 'unknown',
    meaning: 'The platform’s API gave an error instead of an answer.',
    remedy: 'Run again; if it stays, check the service’s status page.',
  },
  'github/api-malformed': {
    kind: 'unknown',
    meaning:
      'An answer of the platform’s API is not of the documented form, or is cut off, so nothing is read from it.',
    remedy: 'Run again; if it stays, report it with the version of the server.',
  },
  'github/api-deadline': {
    kind: 'unknown',
    meaning: 'The time for asking the platform’s API was used up before everything was answered.',
    remedy: 'Run again when the service is quick, or move the anchor forward so that fewer commits are asked about.',
  },
  'github/api-other-repository': {
    kind: 'unknown',
    meaning:
      'The name of the repository belongs to another repository than the run’s: it was renamed, or deleted and made again. What the platform says about it is about somebody else’s work.',
    remedy: 'Run again under the repository’s present name.',
  },
  'github/api-commit-unknown': {
    kind: 'unknown',
    meaning: 'The platform does not know a commit that it serves, or not yet, so it can say nothing about it.',
    remedy: 'Run again; a push needs a moment to be known everywhere.',
  },
  'github/protection-unknown': {
    kind: 'unknown',
    meaning: 'Whether a ref is protected could not be read completely.',
    remedy: 'Use a token that may read the repository’s settings, or protect the refs with a ruleset.',
  },
  'github/queue-unreadable': {
    kind: 'unknown',
    meaning:
      'A merge group’s ref does not say of which pull request the merge queue made it, so nobody can be asked about its reviews. What the queue holds is not shown to the token of a job.',
    remedy: 'Run again; if it stays, have the pull request merged without the queue and judged on the branch.',
  },
  'github/attestations-incomplete': {
    kind: 'unknown',
    meaning:
      'GitHub’s attestation store holds more about an image or a file than is examined, so nothing may rest on what was not found.',
    remedy: 'Delete attestations that nobody needs, or attach those that count to the image in its registry.',
  },
  'github/attestation-refused': {
    kind: 'unknown',
    meaning:
      'GitHub’s attestation store did not take an attestation: it is too large for it, or it does not accept its contents. What is in the registry is not affected.',
    remedy:
      'Read what the store answered. If it cannot be helped, leave out github-attestations: everything is attached to the image in its registry.',
  },
  'github/attestations-unavailable': {
    kind: 'unknown',
    meaning:
      'GitHub keeps no attestations for this repository: on most plans it does so for public repositories only, and never for private ones that a person owns.',
    remedy: 'Leave out github-attestations: everything is attached to the image in its registry.',
  },
  'github/artifacts-unavailable': {
    kind: 'unknown',
    meaning:
      'The runner has no artifact service: it gives no address and token of one, as in a container tool that plays GitHub Actions, or the server is one whose artifacts this action cannot write. What the run made stays on its machine.',
    remedy: 'Add the printed step, which uploads the files; or set upload: false.',
  },
  'github/artifact-failed': {
    kind: 'unknown',
    meaning:
      'The runner’s artifact service did not take or give an artifact. What the run made stays on its machine; verdict and tags are not affected.',
    remedy: 'Run again, or add the printed step, which uploads the files.',
  },
} as const satisfies Record<`github/${string}`, CatalogueEntry>
