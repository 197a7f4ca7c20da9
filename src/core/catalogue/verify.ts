import type { CatalogueEntry } from '../catalogue.ts'

/** The gate: what is wrong with the evidence about an image. */
export const VERIFY_ERRORS = {
  'verify/no-attestation': {
    kind: 'rejected',
    meaning: 'Nothing that is attached to the image and verifies is a statement of the required kind about its digest.',
    remedy:
      'Check that the digest is the one the pipeline published, and that its signatures were copied along with it.',
  },
  'verify/incomplete': {
    kind: 'unknown',
    meaning:
      'Not all attached bundles could be read (a capped, broken or unreachable list), and what was read does not prove what is required. The missing part may.',
    remedy: 'Run again. If it stays, delete from the registry what is attached to the image and is not yours.',
  },
  'verify/bundles-ignored': {
    kind: 'rejected',
    meaning:
      'Attached bundles could not be verified. They are no evidence, for or against; anybody who may push can attach one.',
    remedy: 'If one of them is yours, look at the finding that names it; otherwise nothing.',
  },
  'verify/key-mismatch': {
    kind: 'rejected',
    meaning: 'The statement is signed by another key than expected, or by a certificate where a key is expected.',
    remedy: 'Check which key the pipeline signs with, and that the expectation names its public part.',
  },
  'verify/identity-mismatch': {
    kind: 'rejected',
    meaning: 'The certificate’s identity is not the expected one. Identities are compared whole and to the letter.',
    remedy:
      'Compare the two letter by letter. If the found one is right, change the expectation; otherwise do not deploy.',
  },
  'verify/issuer-mismatch': {
    kind: 'rejected',
    meaning: 'Another issuer vouched for the identity. The same name at another issuer is somebody else.',
    remedy:
      'Name the issuer that the pipeline really uses, for GitHub Actions https://token.actions.githubusercontent.com',
  },
  'verify/repository-mismatch': {
    kind: 'rejected',
    meaning: 'The run that signed belongs to another repository.',
    remedy:
      'Check where the image was built; a workflow that many repositories share has one identity for all of them.',
  },
  'verify/repository-recreated': {
    kind: 'rejected',
    meaning:
      'The repository has the expected name but another id: it was deleted and created again, or its name was taken over.',
    remedy: 'Find out who owns the repository now. Only then change repository-id.',
  },
  'verify/workflow-mismatch': {
    kind: 'rejected',
    meaning: 'The workflow that signed is not the expected one, or ran at a ref or commit that is not expected.',
    remedy: 'Check which workflow published the image; change signer only if that one is allowed to.',
  },
  'verify/caller-mismatch': {
    kind: 'rejected',
    meaning: 'The workflow that signed was called by another one than expected.',
    remedy: 'Name the calling workflow in caller, if it may call; without caller the signing workflow must be its own.',
  },
  'verify/source-ref-mismatch': {
    kind: 'rejected',
    meaning: 'The run that signed was for a ref that is not expected. Pull request refs never match.',
    remedy: 'Publish from a ref that source-ref names.',
  },
  'verify/trigger-mismatch': {
    kind: 'rejected',
    meaning: 'The run that signed was started by an event that is not expected.',
    remedy: 'Publish from one of the events that trigger names.',
  },
  'verify/runner-mismatch': {
    kind: 'rejected',
    meaning: 'The run, or one of the builds it signed for, was on another kind of runner than expected.',
    remedy: 'Build on the expected kind of runner, or change runner.',
  },
  'verify/environment-mismatch': {
    kind: 'rejected',
    meaning: 'The run that signed was not in the expected deployment environment.',
    remedy: 'Publish from a job with that environment.',
  },
  'verify/signer-revoked': {
    kind: 'rejected',
    meaning: 'The policy revokes the key or certificate that signed, from a time before the signature.',
    remedy: 'Have the image signed again by a key or run that is not revoked.',
  },
  'verify/identity-shared': {
    kind: 'rejected',
    meaning:
      'The identity is that of a workflow called by another one: every repository that may call it has this identity. As a note it does not count against the verdict.',
    remedy: 'Name the repository too: --repository, --repository-id, --signer, --caller and --source-ref.',
  },
  'verify/provenance-unusable': {
    kind: 'rejected',
    meaning: 'A provenance statement is signed as expected but its content is not what the specification says.',
    remedy: 'Have it written again by its producer.',
  },
  'verify/claims-mismatch': {
    kind: 'rejected',
    meaning: 'A provenance says something else about its run than the certificate that signed it.',
    remedy: 'Do not deploy: a run can only truthfully describe itself. Find out who wrote the provenance.',
  },
  'verify/claims-unbacked': {
    kind: 'rejected',
    meaning:
      'What a provenance says about its run rests on the signer’s word alone: a key, or a certificate without facts about a run, signed it. As a note it does not count against the verdict.',
    remedy: 'Sign keyless from the workflow, if the run itself has to be proved.',
  },
  'verify/commit-not-of-run': {
    kind: 'rejected',
    meaning:
      'The commit that the provenance names first is not the one the signing run was for, so nothing ties the image to that commit.',
    remedy: 'Build the commit of the run itself.',
  },
  'verify/builder-not-allowed': {
    kind: 'rejected',
    meaning:
      'The provenance was not made by a builder that counts: only a builder driven from the verified commit can say that the image came from it.',
    remedy: 'Build with buildx or buildah, or name the builder under builders if its word is enough.',
  },
  'verify/source-not-enforced': {
    kind: 'rejected',
    meaning: 'The build did not insist on verified commits: its recorded source mode is not enforce, or did not pass.',
    remedy: 'Build with source-mode: enforce, or set allow-audit: true in the rule.',
  },
  'verify/too-old': {
    kind: 'rejected',
    meaning: 'The signature is older than the rule’s max-age.',
    remedy: 'Build and sign the image again, or raise max-age.',
  },
  'verify/platform-unproven': {
    kind: 'rejected',
    meaning:
      'Some platforms of a multi-platform image are proved, others are not. One signed platform does not vouch for its index.',
    remedy: 'Sign the index, or deploy the proved platform by its own digest.',
  },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
