import type { CatalogueEntry } from '../catalogue.ts'

export const POLICY_ERRORS = {
  'policy/unsupported': {
    kind: 'configuration',
    meaning:
      'The policy or a rule uses a key that this version does not know or does not judge yet. It is never ignored.',
    remedy: 'Remove the key, or use a version of Waybill that judges it.',
  },
  'policy/unusable': {
    kind: 'rejected',
    meaning:
      'A policy file cannot be used: it does not parse, names a file that is missing, or contradicts itself. The previously accepted policy judges on.',
    remedy: 'Correct the file at the line named.',
  },
  'policy/no-rule': {
    kind: 'rejected',
    meaning: 'No rule of the policy matches, and no match means deny.',
    remedy: 'Add a rule that matches, or build from a ref that a rule names.',
  },
  'policy/unapproved-change': {
    kind: 'rejected',
    meaning:
      'A commit changes the policy or a workflow, and its signer may not do that under the policy accepted before it.',
    remedy:
      'Have the change made in a commit signed by a principal of policy-change, or name this commit in exceptions of an approved commit.',
  },
  'policy/no-expectation': {
    kind: 'configuration',
    meaning: 'Nothing says who is expected to have signed: no policy, no identity, no key.',
    remedy:
      'Give --policy FILE, or --certificate-identity with --certificate-oidc-issuer; in a workflow the inputs of the same names.',
  },
  'policy/expectation-unclear': {
    kind: 'configuration',
    meaning: 'What is given to say who should have signed is incomplete, contradictory or misspelt.',
    remedy:
      'Give one of: a policy; certificate-identity with certificate-oidc-issuer; repository, repository-id, signer and source-ref; a key.',
  },
  'policy/denied': {
    kind: 'rejected',
    meaning: 'The first rule of the policy that matches the image denies it.',
    remedy: 'Use another image, or put a rule that allows this one above the denying rule.',
  },
  'policy/source-malformed': {
    kind: 'configuration',
    meaning: 'What is given as the place of the policy is neither a path of this repository nor OWNER/NAME@REF:PATH.',
    remedy:
      'Write policy: OWNER/NAME@refs/heads/main:waybill.yml with the ref in full (or a whole commit id), or leave it out.',
  },
  'policy/nothing-to-suggest': {
    kind: 'configuration',
    meaning: 'No policy can be proposed: none of the last commits carries a signature with a person’s own key.',
    remedy: 'Sign a commit and run it again: git config gpg.format ssh, then git commit -S',
  },
  'policy/key-missing': {
    kind: 'rejected',
    meaning:
      'The policy names the fingerprint of an OpenPGP key that none of its key files holds. Shown as a note; commits signed by the key are rejected.',
    remedy: 'Export the key into the file that the policy names: gpg --armor --export FINGERPRINT',
  },
  'policy/ref-unprotected': {
    kind: 'rejected',
    meaning:
      'The policy accepts a ref that whoever may push can move, or a pattern under which he can make one. What counts there is then whatever he pushes.',
    remedy: 'Protect it with a branch or tag ruleset of the repository, or take it out of the rule.',
  },
  'policy/snapshot-old': {
    kind: 'rejected',
    meaning:
      'A list of principals that was imported from elsewhere is older than the policy allows; people may have left since. Shown as a note, it changes no verdict.',
    remedy: 'Take the snapshot again and have the difference reviewed: waybill signers import --help',
  },
  'policy/dropped-change': {
    kind: 'rejected',
    meaning:
      'A merge brings in a change of the policy or of a workflow that somebody made who may, and goes on without it, as happens when a branch is merged the wrong way round. Nothing of the history is accepted until that is settled, since the law at its end is an older one.',
    remedy:
      'Put the branch back (git push --force-with-lease origin OLD-TIP:BRANCH) and merge from it: git checkout BRANCH, then git merge --no-ff -S OTHER. Or let a principal of policy-change, by both laws, change the policy and name the merge in exceptions.',
  },
  'policy/no-key': {
    kind: 'rejected',
    meaning:
      'A material is to be verified with a key that the policy does not have under material-keys. A judged commit cannot bring the keys that decide.',
    remedy: 'Add the key to material-keys of the policy, or name one that is there.',
  },
  'policy/key-revoked': {
    kind: 'rejected',
    meaning: 'A material is signed by a key that the policy has under revoked.',
    remedy: 'Take the material in a version that another key signed, and name that key in material-keys of the policy.',
  },
  'policy/key-unused': {
    kind: 'rejected',
    meaning:
      'The policy has a key under material-keys that no rule of its materials names. Shown as a note; a manifest may still name the key.',
    remedy: 'Name the key in keys of a materials rule, or take it out of material-keys.',
  },
  'policy/key-unusable': {
    kind: 'rejected',
    meaning:
      'A key file under material-keys does not hold a key of its kind. Shown as a note; nothing it signed could be accepted.',
    remedy: 'Put the public key alone into the file, as its tool writes it: for minisign the .pub file.',
  },
  'policy/docker-unknown': {
    kind: 'rejected',
    meaning:
      'A rule of base-images asks for Docker’s own signature on an image of which nobody says from which repository Docker builds it. Docker’s builder signs for everybody who calls it, so without that a signature says nothing.',
    remedy: 'Use signers with the repository that the image comes from, or digest-lock: true.',
  },
  'policy/cannot-hold': {
    kind: 'rejected',
    meaning:
      'One part of the policy asks for what another part can never give. Shown as a note; nothing would pass there.',
    remedy: 'Change one of the two parts that the message names.',
  },
  'policy/not-expressible': {
    kind: 'configuration',
    meaning:
      'A deploy rule asks for something that the admission engine of a cluster cannot check. A weaker policy would look like the same rule and be another, so none is written.',
    remedy:
      'Change the rule as the message says, or have a gate judge it: waybill verify manifest before the deploy, and deploy-verified in the cluster.',
  },
  'policy/generated-stale': {
    kind: 'rejected',
    meaning:
      'Admission policies that were generated differ from what the policy means now: a file has other bytes, is missing, or is left from before.',
    remedy: 'Write them again with the same options and without --check, have the difference reviewed, and apply it.',
  },
} as const satisfies Record<`policy/${string}`, CatalogueEntry>
