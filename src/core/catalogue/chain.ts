import type { CatalogueEntry } from '../catalogue.ts'

/** The gate: what is wrong with the links above an image's source, and with what speaks against it. */
export const CHAIN_ERRORS = {
  'verify/materials-not-enforced': {
    kind: 'rejected',
    meaning:
      'The build did not insist on verified materials, or says itself that they did not pass; its recorded materials mode and verdict are the ones found.',
    remedy: 'Build with materials-mode: enforce, or leave the materials out of the rule.',
  },
  'verify/recorded-build': {
    kind: 'rejected',
    meaning:
      'Claims about materials or reproducibility are made of a build that was only recorded. Who did not drive the build cannot know what went in.',
    remedy: 'Build with buildx or buildah, or ask for nothing but signature and provenance.',
  },
  'verify/no-scai': {
    kind: 'rejected',
    meaning:
      'Nothing that is attached and verifies is a SCAI statement about this digest, so what went into the build is not claimed by anybody.',
    remedy:
      'Build with a policy that judges materials; such a run attaches the statement. Copy it along with the image.',
  },
  'verify/scai-unusable': {
    kind: 'rejected',
    meaning: 'A SCAI statement is signed as expected, but its content is not of the documented form.',
    remedy: 'Have it made again by the run that built the image.',
  },
  'verify/scai-other-run': {
    kind: 'rejected',
    meaning:
      'The SCAI statement was signed by another run, commit or key than the provenance, so it speaks of another build of the same digest.',
    remedy: 'Have provenance and claims made by one run.',
  },
  'verify/materials-open': {
    kind: 'rejected',
    meaning:
      'The SCAI statement names materials and does not say that they are all. What it does not mention may have been anything.',
    remedy: 'Build with materials-mode: enforce, which states BASE_IMAGES_DECLARED.',
  },
  'verify/material-unproven': {
    kind: 'rejected',
    meaning:
      'A material that the provenance or the SCAI statement names is not claimed to be pinned by digest or verified.',
    remedy: 'Declare it in the materials manifest with its digest, or give it a rule under base-images.',
  },
  'verify/material-unsigned': {
    kind: 'rejected',
    meaning:
      'A material is pinned by digest, or signed by a key that the built commit itself declared. Neither says who made it: only a key or identity of the policy does.',
    remedy:
      'Ask for materials-pinned if that is enough, or name its signer in the policy (base-images, material-keys).',
  },
  'verify/not-closed': {
    kind: 'rejected',
    meaning:
      'The build could have taken in something undeclared: the builder was shared, a cache or the network was open, or nobody claims that it was closed.',
    remedy: 'Build with buildx on a builder of its own, without cache and with network: none.',
  },
  'verify/not-reproducible': {
    kind: 'rejected',
    meaning: 'The run does not claim that a second build gave the same bytes, or says that it did not.',
    remedy: 'Build with reproducible: check, and remove what differs between the two builds.',
  },
  'verify/sbom-unusable': {
    kind: 'rejected',
    meaning: 'A statement has the type of a software bill of materials, but its content is none.',
    remedy: 'Have it made again by a tool that writes SPDX or CycloneDX.',
  },
  'verify/no-deploy-summary': {
    kind: 'rejected',
    meaning: 'Nothing that is attached and verifies is a deploy summary about this digest.',
    remedy: 'Deploy it through the deploy action, in a job of the environment; it signs the summary.',
  },
  'verify/deploy-unusable': {
    kind: 'rejected',
    meaning: 'A deploy summary is signed as expected, but its content is not of the documented form.',
    remedy: 'Have it made again by the job that deployed.',
  },
  'verify/deploy-not-passed': {
    kind: 'rejected',
    meaning: 'The deploy summary says that the verification failed.',
    remedy: 'Do not run it. Look at the run that deployed and read what it found.',
  },
  'verify/deploy-other-verifier': {
    kind: 'rejected',
    meaning:
      'The deploy summary calls its verifier by another name than that of its signer, or is of somebody whom the rule does not name as deployer.',
    remedy: 'Have it made again by the job that deployed; verifier.id is the identity in its certificate.',
  },
  'verify/deploy-other-resource': {
    kind: 'rejected',
    meaning: 'The deploy summary lets another image, or the same digest under another name or environment, in.',
    remedy: 'Deploy it under this name to this environment; who deployed elsewhere judged by other rules.',
  },
  'verify/deploy-other-policy': {
    kind: 'rejected',
    meaning: 'The deploy was judged by another policy than the rule names.',
    remedy: 'Deploy under the policy that the gate uses, or name the other one in the rule: deployer: {policy: …}.',
  },
  'verify/deploy-level-missing': {
    kind: 'rejected',
    meaning: 'The deploy summary does not claim the level of the environment.',
    remedy: 'Deploy it to the environment that the rule names.',
  },
  'verify/quarantined': {
    kind: 'rejected',
    meaning:
      'The image or file is in quarantine: the policy names its digest, or somebody whom the rule believes has warned of it. Whatever else speaks for it does not count.',
    remedy:
      'Do not deploy; find out why. A release by the same signer, or a signed commit that removes the digest, ends it: waybill quarantine release REFERENCE --reason TEXT',
  },
  'verify/quarantine-ignored': {
    kind: 'rejected',
    meaning:
      'A quarantine record is attached that does not count: of somebody else, of another policy or environment, malformed, or ended by a release. As a note it does not count against the verdict.',
    remedy: 'If it should count, name its signer under quarantine-by of the rule; otherwise nothing.',
  },
  'verify/deploy-claims-differ': {
    kind: 'rejected',
    meaning:
      'The deploy summary says of the run that signed it (waybill_run) something else than the certificate of its signature does. A cluster believes the content, because it does not read these parts of a certificate; so somebody tried to pass for another run.',
    remedy: 'Do not use it. Deploy again with the deploy action, which writes there what the identity token says.',
  },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
