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
} as const satisfies Record<`github/${string}`, CatalogueEntry>
