import type { CatalogueEntry } from '../catalogue.ts'

/** What the policy room says about commits: facts come from the source room, the verdict on them from `policy/`. */
export const JUDGEMENT_ERRORS = {
  'source/committer-mismatch': {
    kind: 'rejected',
    meaning:
      'A commit is signed by a known principal, but its committer’s e-mail is not one of that principal’s. Git never compares the two, so a signer could commit in somebody else’s name.',
    remedy:
      'Set the e-mail and commit again: git config user.email ADDRESS, then git commit --amend --no-edit -S; or add the address to the principal.',
  },
  'source/key-expired': {
    kind: 'rejected',
    meaning:
      'The key that signed has ended, by its own date or by not-after in the policy, and no trusted time proves that the signature is older.',
    remedy: 'Extend the key’s date and commit the new key file, or name the commit in exceptions.',
  },
  'source/key-revoked': {
    kind: 'rejected',
    meaning:
      'The key that signed is revoked: by its own owner in the key, or by the policy. After a compromise nothing signed by the key counts without a trusted time before it.',
    remedy:
      'Sign the commit again with a key that is not revoked, or, after checking its content, name it in exceptions.',
  },
  'source/key-weak': {
    kind: 'rejected',
    meaning: 'The key that signed is weaker than the rule asks for, or of a kind that is not accepted at all.',
    remedy: 'Sign with an Ed25519, ECDSA or RSA key of at least the size the rule names (min-rsa, never below 2048).',
  },
  'source/signer-ambiguous': {
    kind: 'rejected',
    meaning: 'The key that signed and its primary key belong to two different principals of the policy.',
    remedy: 'Name the key once in the policy, under one principal, by its primary fingerprint.',
  },
  'source/platform-unsupported': {
    kind: 'rejected',
    meaning:
      'A commit was made and signed by the platform itself (a merge, squash or edit in the web interface or by API). This version does not judge the platform’s signatures, and anybody with write access can obtain one.',
    remedy:
      'Merge on your own machine and sign: git merge --no-ff -S BRANCH, then push; or name the commit in exceptions.',
  },
  'source/exception-unused': {
    kind: 'rejected',
    meaning:
      'An entry of exceptions changed nothing: its commit is not in the judged history, or is accepted without it. As a note it does not count against the verdict.',
    remedy: 'Remove the entry in the next change of the policy.',
  },
  'source/nothing-judged': {
    kind: 'rejected',
    meaning:
      'The head is the anchor itself: it is trusted because it was named from outside, and no commit was judged. As a note it does not count against the verdict.',
    remedy: 'Nothing to do; the next commit is judged.',
  },
} as const satisfies Record<`source/${string}`, CatalogueEntry>
