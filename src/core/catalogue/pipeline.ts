import type { CatalogueEntry } from '../catalogue.ts'

/** Codes of the stories themselves: what no single room can see. */
export const PIPELINE_ERRORS = {
  'source/other-commit': {
    kind: 'rejected',
    meaning:
      'The commit that was asked for is not the commit this run is for. Signing it would let a run on a protected branch vouch for any commit of the fork network.',
    remedy: 'Remove the input commit, or allow it in the source rule of an approved policy: allow-other-commit: true',
  },
  'source/not-on-ref': {
    kind: 'rejected',
    meaning:
      'The commit is not on the first-parent line of the ref this run stands on, as the server serves it now. The ref may have been force-pushed since the run began.',
    remedy: 'Run the workflow again on the present tip of the ref.',
  },
  'source/before-anchor': {
    kind: 'rejected',
    meaning: 'The commit to build is older than the anchor, so nothing between the two vouches for it.',
    remedy:
      'Build a commit that is not older than the anchor, or set since: to an older commit that contains the policy.',
  },
  'source/ref-gone': {
    kind: 'rejected',
    meaning: 'The ref this run stands on does not exist on the server any more.',
    remedy: 'Nothing is signed for a ref that is gone. Push it again, or run on another ref.',
  },
  'source/no-anchor': {
    kind: 'configuration',
    meaning:
      'The source mode is enforce, but no anchor was given: there is no commit from which the law could be trusted.',
    remedy: 'Add `since: <full id of a commit that contains .github/waybill.yml>` under `with:`.',
  },
  'source/anchor-without-policy': {
    kind: 'configuration',
    meaning: 'The anchor contains no usable policy, so no law can be accepted from it.',
    remedy:
      'Set since: to a commit that contains .github/waybill.yml, found with: git log --format=%H -1 -- .github/waybill.yml',
  },
  'policy/gate-ref': {
    kind: 'configuration',
    meaning:
      'The gate runs on a ref whose policy may not judge deployments: anybody who may push a branch could bring a policy that allows everything.',
    remedy: 'Run the gate on the default branch, or name the ref in gate-refs of the policy on it.',
  },
  'registry/tag-newer': {
    kind: 'rejected',
    meaning:
      'The tag already points at an image of a later commit or of a later run. Moving it back would roll users back without a word.',
    remedy: 'Nothing to do if a later run published already. To roll back on purpose, set allow-rollback: true.',
  },
  'verify/self-check': {
    kind: 'rejected',
    meaning:
      'What the registry serves beside the image does not pass the gate’s own check, although this run has just published it. The tag was not moved.',
    remedy: 'Compare what the registry serves with the bundles kept on disk; do not deploy this digest.',
  },
  'pipeline/no-signers': {
    kind: 'configuration',
    meaning: 'The place that signers were to be imported from names nobody.',
    remedy: 'Check the name, the file or the range that was given.',
  },
  'pipeline/signers-malformed': {
    kind: 'configuration',
    meaning: 'What the command printed is not a list of signers, so none of it was taken.',
    remedy:
      'Print one JSON object a line: {"name": "alice", "emails": ["alice@example.com"], "signers": [{"ssh": {"key": "ssh-ed25519 AAAA…"}}]}',
  },
  'pipeline/bundle-present': {
    kind: 'configuration',
    meaning:
      'Something lies where the bundle of a file would be written, and it is not an overtaken bundle of the same signer: it does not verify, is somebody else’s, or says something of another kind. It is never replaced.',
    remedy: 'Move it away, or write the bundles elsewhere: waybill attest file PATH --key FILE --out DIR',
  },
} as const satisfies Record<`${string}/${string}`, CatalogueEntry>
