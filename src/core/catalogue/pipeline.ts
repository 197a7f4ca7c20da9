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
  'pipeline/quarantine-refused': {
    kind: 'unknown',
    meaning:
      'A file could not be quarantined safely, so it was left where it is: it is not a regular file, was replaced after it was judged, or something else lies in its place in the quarantine. Nothing was overwritten. It stays rejected.',
    remedy: 'Look at the file and at the quarantine directory by hand, and run again.',
  },
  'pipeline/quarantine-record-malformed': {
    kind: 'configuration',
    meaning:
      'A record.json in the quarantine directory is not of the documented form, so what lies beside it is not known.',
    remedy: 'Look at the folder by hand. schemas/quarantine-record.json has the form.',
  },
  'pipeline/quarantine-nothing': {
    kind: 'configuration',
    meaning: 'Nothing that was named is in quarantine, so there is nothing to release.',
    remedy: 'See what is: waybill quarantine list',
  },
  'pipeline/quarantine-policy': {
    kind: 'configuration',
    meaning:
      'The list of quarantined digests could not be changed in the policy without touching something else in it, so the file was left as it is.',
    remedy: 'Write the entry by hand: quarantined: [{digest: "sha256:…", reason: "…", since: 2026-01-31}]',
  },
  'registry/tag-not-removed': {
    kind: 'unknown',
    meaning:
      'A tag that points to a quarantined image could not be removed: the registry has no way to delete a tag, does not allow it, or the tag points elsewhere by now. The image is kept under its quarantine tag.',
    remedy: 'Remove the tag in the interface of the registry, or push a good image to it.',
  },
  'pipeline/kept-malformed': {
    kind: 'rejected',
    meaning:
      'The folder given to --replay is not one that --out writes: its manifest breaks the format, a file is missing, or something lies in it that the manifest does not name.',
    remedy: 'Take the folder as the gate wrote it, whole and unchanged, or record it again with --out.',
  },
  'pipeline/kept-changed': {
    kind: 'rejected',
    meaning:
      'A file of kept evidence, or the manifest of it, has another digest than the one it is known by. Somebody changed it after it was recorded.',
    remedy: 'Do not use the folder. Take it from where it was archived, and compare the digest of its manifest.json.',
  },
  'pipeline/kept-incomplete': {
    kind: 'unknown',
    meaning:
      'The folder of kept evidence does not hold what this judgement needs: a subject or a trust root that the recorded run did not use.',
    remedy: 'Judge what the folder holds, give the trust root with --trusted-root FILE, or record again with --out.',
  },
  'pipeline/kept-too-large': {
    kind: 'unknown',
    meaning: 'There is more evidence than a folder may hold, so nothing was written: it could not be read back.',
    remedy: 'Record fewer subjects at a time, each into a folder of its own.',
  },
  'pipeline/as-recorded': {
    kind: 'unknown',
    meaning:
      'Evidence was judged again by nothing but the policy and the trust root in the same folder. Whoever wrote the folder chose all three, so the result is only their word.',
    remedy:
      'Give the policy and the trust root yourself (--policy FILE, --trusted-root FILE), or name what was recorded by its digest, from a place that the folder’s writer cannot change.',
  },
  'pipeline/sbom-unusable': {
    kind: 'configuration',
    meaning:
      'The file of the input sbom is no software bill of materials that can be signed: it must be one JSON document, SPDX 2 or CycloneDX.',
    remedy:
      'Have the tool write JSON, for instance syft IMAGE -o spdx-json=sbom.json or -o cyclonedx-json=sbom.json, and name that file in sbom.',
  },
  'pipeline/sbom-other-image': {
    kind: 'rejected',
    meaning:
      'The software bill of materials names the image that it was made of by its digest, and that is not the image of this run. Signed as it is, it would say of one image what is in another.',
    remedy:
      'Make the bill of materials from the image that is signed: build and push in an earlier step, make it from that image by its digest, and give this step the same digest. Or use sbom: auto.',
  },
} as const satisfies Record<`${string}/${string}`, CatalogueEntry>
