import type { CatalogueEntry } from '../catalogue.ts'

export const SOURCE_ERRORS = {
  'source/malformed': {
    kind: 'rejected',
    meaning:
      'A commit or tag object is not what git writes: a duplicate or unknown signature header, more than one signature, a NUL byte, or a broken structure. Such an object can mean different things to different programs.',
    remedy: 'Write the commit again with git and sign it: git commit --amend --no-edit -S',
  },
  'source/unsigned': {
    kind: 'rejected',
    meaning: 'A commit carries no signature.',
    remedy:
      'Sign it: git commit --amend --no-edit -S (for several: git rebase --exec "git commit --amend --no-edit -S" BASE), or name it in exceptions.',
  },
  'source/signer-unknown': {
    kind: 'rejected',
    meaning: 'A signature is valid, but its key belongs to no principal of the accepted policy.',
    remedy: 'Add the key to a principal of the policy in an approved commit.',
  },
  'source/signer-not-allowed': {
    kind: 'rejected',
    meaning: 'The signer is a known principal, but not one that the rule for this ref names.',
    remedy: 'Have the commit signed by one of the principals the rule names, or add the principal to the role.',
  },
  'source/ssh-key-malformed': {
    kind: 'rejected',
    meaning:
      'An SSH public key is not in the one encoding that OpenSSH writes, so its fingerprint would not be unique.',
    remedy: 'Copy the one line of the .pub file; print it again with: ssh-keygen -y -f KEY',
  },
  'source/ssh-key-unsupported': {
    kind: 'rejected',
    meaning: 'An SSH key is of a kind that is not judged: DSA, a certificate, or an algorithm unknown to this version.',
    remedy: 'Use a plain key: ssh-keygen -t ed25519',
  },
} as const satisfies Record<`source/${string}`, CatalogueEntry>
