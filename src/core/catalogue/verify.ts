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
  'verify/no-source-summary': {
    kind: 'rejected',
    meaning: 'Nothing that is attached to the image and verifies is a summary of the verification of its commit.',
    remedy:
      'Build with a policy and an anchor (since) under source-mode: enforce, with buildx or buildah: such a run attaches the summary.',
  },
  'verify/source-unusable': {
    kind: 'rejected',
    meaning:
      'A source summary or its detail is signed as expected, but its content is not of the documented form, or the two contradict each other.',
    remedy: 'Have it made again by the run that verified the commit.',
  },
  'verify/source-other-commit': {
    kind: 'rejected',
    meaning:
      'The source summary is about another commit than the one that the provenance says the image was built from.',
    remedy: 'Do not deploy: find out who attached the summary, and have the image’s own commit verified.',
  },
  'verify/source-other-verifier': {
    kind: 'rejected',
    meaning:
      'The summary was not made by the verifier whose rules the gate knows, so what its levels mean is not known.',
    remedy: 'Have the commit verified by Waybill.',
  },
  'verify/source-not-passed': {
    kind: 'rejected',
    meaning: 'The source summary says that the verification of the commit failed.',
    remedy: 'Do not deploy. Run the verification of the commit and read what it finds.',
  },
  'verify/source-other-repository': {
    kind: 'rejected',
    meaning:
      'The source summary speaks of another repository than the image’s provenance, or than the run that signed it.',
    remedy:
      'Check where the image and the summary come from; a commit of the same id in a fork is judged by the fork’s policy.',
  },
  'verify/other-policy': {
    kind: 'rejected',
    meaning: 'The commits were verified by another policy than the rule names.',
    remedy:
      'Name the policy that has to hold under source.policy and source.digest; some policy having passed proves nothing.',
  },
  'verify/other-anchor': {
    kind: 'rejected',
    meaning:
      'The commits were verified from another root of trust than the rule names, so what lies between is judged by nobody the rule trusts.',
    remedy: 'Build with since set to the anchor of the rule, or, after checking the new anchor, change source.anchor.',
  },
  'verify/source-level-missing': {
    kind: 'rejected',
    meaning:
      'The source summary does not claim what the rule asks for, for instance because a commit was accepted without a signature of its own.',
    remedy:
      'Ask for source-accepted instead of source-signed if that is enough, or have the commits signed or reviewed.',
  },
  'verify/source-detail-missing': {
    kind: 'rejected',
    meaning:
      'The detail behind a source summary is not attached, or what is attached has another digest, so anchor, keys and exceptions are not known.',
    remedy: 'Copy the image together with everything that is attached to it, or build it again.',
  },
  'verify/source-exceptions': {
    kind: 'rejected',
    meaning: 'Commits since the anchor were accepted by an exception, and the rule denies exceptions.',
    remedy:
      'Look at the exceptions of the policy; set exceptions: allow in the rule if they are known to you, or choose a later anchor.',
  },
  'verify/source-key-compromised': {
    kind: 'rejected',
    meaning:
      'A key that signed commits since the anchor is called compromised by the policy of the gate, and no trusted time proves that all of them are older.',
    remedy:
      'Check the commits of that key. Then have them signed again, name them in exceptions, or choose an anchor after them.',
  },
  'verify/source-serial-unclear': {
    kind: 'rejected',
    meaning:
      'A single certificate is called compromised, by its serial or its fingerprint: an SSH certificate, or one of Fulcio. The detail of a source summary names authorities and persons, not every certificate, so whether it signed cannot be told. No trusted time proves all uses to be older.',
    remedy:
      'Give the day of the compromise as effective: what a trusted time proves to be older still counts. Of a person at Fulcio revoke identity and issuer instead. Else move the anchor past the last commit signed so: since in the workflow, source.anchor in the rule of the gate.',
  },
  'verify/digest-mismatch': {
    kind: 'rejected',
    meaning:
      'The bundle that belongs to a file by its name is signed as expected, and is about other bytes: the file was changed after it was signed, or the two were mixed up.',
    remedy:
      'Do not use the file. Fetch it and its bundle again from where they were published, and compare the digests.',
  },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
