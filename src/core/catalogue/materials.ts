import type { CatalogueEntry } from '../catalogue.ts'

/** Base images and other materials: what a build would pull in. */
export const MATERIALS_ERRORS = {
  'materials/dockerfile-malformed': {
    kind: 'rejected',
    meaning:
      'The Dockerfile cannot be read, so nobody can say what a build of it would pull in. It is refused where the builder would refuse it too, and where its size or form has no honest reason.',
    remedy: 'Build it without Waybill first: the builder names the line.',
  },
  'materials/too-many-references': {
    kind: 'rejected',
    meaning: 'The Dockerfile names more images and files than are looked up for one build.',
    remedy: 'Split the build, or take what belongs together into one base image.',
  },
  'materials/manifest-unusable': {
    kind: 'configuration',
    meaning:
      'The materials manifest cannot be read: it is no YAML of the accepted kind, or a key or value of it is not known.',
    remedy: 'Correct the manifest at the place named.',
  },
  'materials/other-bytes': {
    kind: 'rejected',
    meaning: 'A material has other bytes than the manifest or a signed checksum file says, or more of them.',
    remedy:
      'Find out who changed it. If the change is wanted, write the new digest into the manifest in a reviewed commit.',
  },
  'materials/signature-malformed': {
    kind: 'rejected',
    meaning: 'A signature, a key or a checksum file beside a material cannot be read.',
    remedy: 'Fetch it again from its author; if it is the same, ask for a signature in the usual form.',
  },
  'materials/signature-wrong': {
    kind: 'rejected',
    meaning: 'A signature is not one by the named key over the bytes of the material.',
    remedy: 'Find out whether the material or the key changed, and do not build with it until you know.',
  },
  'materials/undeclared': {
    kind: 'rejected',
    meaning:
      'The build asks for something that was not verified before it: the builder refused to fetch it, or says afterwards that it went in. It can stand in the Dockerfile, in an ONBUILD of a base image, or in what a frontend does.',
    remedy:
      'If you want it in the build, give its image a rule in base-images of the policy, or declare it in the materials manifest.',
  },
  'materials/policy-not-enforced': {
    kind: 'rejected',
    meaning:
      'Before a build into which nothing undeclared may come, the builder is asked for something that is always refused. It did not refuse it because of the policy, so nobody can say what it would let in. Nothing was built.',
    remedy:
      'Use a recent BuildKit and buildx that take a source policy: add a step `uses: docker/setup-buildx-action` before this one.',
  },
  'materials/second-policy': {
    kind: 'configuration',
    meaning:
      'The job sets a source policy of its own for BuildKit, and a build takes one. Waybill hands over the one that keeps undeclared materials out, and does not put yours aside silently.',
    remedy:
      'Remove EXPERIMENTAL_BUILDKIT_SOURCE_POLICY from the job; what it denies belongs into base-images of the policy: `- {match: "NAME", deny: true}`.',
  },
  'materials/provenance-malformed': {
    kind: 'unknown',
    meaning:
      'The builder’s own list of what went into the build cannot be read, so it cannot be compared with what was verified.',
    remedy: 'Update buildx and BuildKit; if they are recent, report the form of their provenance.',
  },
} as const satisfies Record<`materials/${string}`, CatalogueEntry>
