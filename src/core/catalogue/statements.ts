import type { CatalogueEntry } from '../catalogue.ts'

export const STATEMENTS_ERRORS = {
  'statements/malformed': {
    kind: 'rejected',
    meaning:
      'Signed bytes are not an acceptable in-toto statement: not strict JSON, no subject, a digest that is not lower-case hex of its length, the same subject twice, or a predicate that is not an object.',
    remedy: 'Have the attestation made again by its producer; a signature over a malformed statement proves nothing.',
  },
  'statements/type-unsupported': {
    kind: 'rejected',
    meaning:
      'A statement is of another version than in-toto Statement v1, and is not one of version 0.1 with a predicate that this version may carry: SLSA provenance v1, summaries and Waybill’s own statements may not.',
    remedy: 'Have it made again by a tool that writes https://in-toto.io/Statement/v1.',
  },
  'statements/provenance-malformed': {
    kind: 'rejected',
    meaning: 'A SLSA provenance predicate lacks a field that the format requires, or a field has the wrong type.',
    remedy: 'Have the provenance made again by a builder that writes https://slsa.dev/provenance/v1.',
  },
  'statements/facts-unusable': {
    kind: 'unknown',
    meaning:
      'Facts that a provenance would state are inconsistent: a workflow reference without path or ref, an end before the start, or a commit other than the one of the run without being recorded as such. Nothing was stated or signed.',
    remedy:
      'Run again. If it stays, compare the claims of the job’s identity token with the event that started the run.',
  },
  'statements/summary-malformed': {
    kind: 'rejected',
    meaning:
      'A verification summary about a commit lacks what the format requires, has more than the commit as its subject, or claims a level that is not known.',
    remedy: 'Have it made again by the run that verified the commit.',
  },
  'statements/detail-malformed': {
    kind: 'rejected',
    meaning:
      'The detail behind a source summary is not of the documented form. Fields that are not known are refused, because what they say would not be judged.',
    remedy: 'Have it made again by a version of Waybill that writes docs/predicates/source-verification.md.',
  },
  'statements/placeholder-uri': {
    kind: 'configuration',
    meaning:
      'This is a release of Waybill whose own predicates and build types still have names under a placeholder that nobody owns. What is signed with such a name stays in public logs for ever and could never be given a meaning, so a release signs nothing with it.',
    remedy:
      'Use a development build, or a release whose names have a home: OWN_URI_BASE in src/statements/uris.ts, then npm run build.',
  },
  'statements/quarantine-malformed': {
    kind: 'rejected',
    meaning:
      'A quarantine record or its release is not of the documented form, or speaks of more than one artefact. It counts neither for nor against anything.',
    remedy: 'Have it made again, as docs/predicates/quarantine.md says: waybill quarantine add --help',
  },
  'statements/scai-malformed': {
    kind: 'rejected',
    meaning:
      'A SCAI statement lacks what its attributes need: a material without a digest, a claim without evidence, conditions that are not known, or the same claim twice.',
    remedy: 'Have it made again by a version of Waybill that writes docs/predicates/scai.md.',
  },
  'statements/deploy-malformed': {
    kind: 'rejected',
    meaning:
      'A verification summary about an image or file lacks what a deploy summary must say: a digest of the subject, the resource with its environment, a policy with its digest, what it rests on, or exactly one environment as level.',
    remedy: 'Have it made again by the job that deployed, in the form of docs/predicates/deploy-vsa.md.',
  },
  'statements/deployment-malformed': {
    kind: 'rejected',
    meaning:
      'A document about what was deployed or what runs is not of the documented form: a field that is not known or missing, a time that is none, a name or digest not in its one spelling, the same image twice, or subjects other than its images.',
    remedy: 'Have it made again by a version of Waybill that writes docs/predicates/deployment.md.',
  },
} as const satisfies Record<`statements/${string}`, CatalogueEntry>
