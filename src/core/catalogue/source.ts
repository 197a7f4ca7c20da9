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
    remedy:
      'Add the key to a principal of the policy in an approved commit; what GitHub knows of somebody’s keys shows: waybill signers import --github LOGIN',
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
    meaning:
      'An SSH key is of a kind that is not judged: DSA, a certificate in place of a key, or an algorithm unknown to this version.',
    remedy: 'Use a plain key: ssh-keygen -t ed25519',
  },
  'source/signature-unsupported': {
    kind: 'rejected',
    meaning:
      'A signature is of a kind this version does not judge: an SSH signature made through a browser, an algorithm or a packet version of the past. It is never taken as valid.',
    remedy:
      'Sign with an OpenPGP or an SSH key, for example: git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub',
  },
  'source/weak-hash': {
    kind: 'rejected',
    meaning:
      'A signature rests on MD5, SHA-1 or RIPEMD-160. Two texts with one such hash can be made, so the signature does not tell which one was signed.',
    remedy:
      'Sign the commit again with SHA-256 or better: git commit --amend --no-edit -S (with gpg: digest-algo SHA256)',
  },
  'source/weak-signature': {
    kind: 'rejected',
    meaning: 'A signature uses an algorithm that can be forged: DSA, or RSA with SHA-1.',
    remedy: 'Sign again with a modern key: ssh-keygen -t ed25519, then git commit --amend --no-edit -S',
  },
  'source/key-unknown': {
    kind: 'rejected',
    meaning: 'An OpenPGP signature names a key that is in none of the policy’s key files, so it cannot be checked.',
    remedy:
      'Add the public key to the principal in an approved commit: gpg --armor --export FINGERPRINT > .github/keys/NAME.asc',
  },
  'source/key-unusable': {
    kind: 'rejected',
    meaning:
      'The key that signed is known but may not sign commits: its owner did not mark it for signing, or its subkey is not properly bound to the primary key.',
    remedy: 'Sign with the key’s signing subkey, or export the key again: gpg --armor --export FINGERPRINT',
  },
  'source/key-unreadable': {
    kind: 'configuration',
    meaning: 'A key file of the policy cannot be read as OpenPGP public keys.',
    remedy: 'Write the file again: gpg --armor --export FINGERPRINT > FILE',
  },
  'source/bad-signature': {
    kind: 'rejected',
    meaning:
      'A signature does not match the bytes of the commit: the commit was changed after it was signed, or the signature belongs to another one.',
    remedy: 'Do not build this commit. If it is yours, sign it again: git commit --amend --no-edit -S',
  },
  'source/ssh-namespace': {
    kind: 'rejected',
    meaning: 'An SSH signature was made for another purpose (a file, a mail) and put onto a commit.',
    remedy: 'Sign the commit with git itself: git -c gpg.format=ssh commit --amend --no-edit -S',
  },
  'source/object-missing': {
    kind: 'unknown',
    meaning:
      'The repository did not give an object that the history names: the clone is shallow or partial, or objects were lost.',
    remedy: 'Give a complete repository: git fetch --unshallow, or for a partial clone: git fetch --refetch',
  },
  'source/object-forged': {
    kind: 'rejected',
    meaning:
      'The bytes of a git object have another id than the one under which they were stored. Somebody, or a broken disk, put other content in its place.',
    remedy: 'Do not use this repository. Compare with a fresh clone: git fsck --full',
  },
  'source/tree-malformed': {
    kind: 'rejected',
    meaning:
      'A tree of the repository is not what git writes: unknown modes, unsorted or repeated names, or names that no checkout may have.',
    remedy:
      'Write the folder again with git (git rm -r --cached DIR && git add DIR) and commit; look for what made the tree: git fsck --full',
  },
  'source/commit-not-found': {
    kind: 'unknown',
    meaning: 'The repository does not serve this commit: it was never pushed, or was removed by a force push.',
    remedy: 'Push the commit, or give the id of one that is on the branch: git ls-remote URL',
  },
  'source/repository-unreachable': {
    kind: 'unknown',
    meaning: 'The repository could not be read: no answer, no permission, or no such repository.',
    remedy: 'Check the URL, and that the job has `permissions: { contents: read }`.',
  },
  'source/repository-unsupported': {
    kind: 'configuration',
    meaning: 'The repository uses SHA-256 object ids, which are not supported.',
    remedy: 'Use a repository with SHA-1 ids; git init writes these by default.',
  },
  'source/git-too-old': {
    kind: 'unknown',
    meaning: 'The installed git is older than 2.38, or none is installed, so the source cannot be checked.',
    remedy: 'Install git 2.38 or newer; runners of GitHub have it.',
  },
  'source/anchor-not-ancestor': {
    kind: 'rejected',
    meaning: 'The anchor does not lie on the line of first parents of the judged commit, so nothing connects the two.',
    remedy:
      'If the branch was force-pushed, restore it, or after a review set a new anchor from outside: `since: <commit that contains the policy>`. If a merge was made the wrong way round, make it again with the protected branch as first parent.',
  },
  'source/deadline': {
    kind: 'unknown',
    meaning: 'The source stage reached its time limit before everything was covered.',
    remedy: 'Run again. If it stays, move the anchor forward: `since: <a later commit>`.',
  },
  'source/export-attributes': {
    kind: 'rejected',
    meaning:
      'A .gitattributes file uses export-ignore or export-subst. Waybill exports the tree exactly as signed and does not apply them; git archive would give other files.',
    remedy: 'Nothing has to be done. Remove the attribute if the files are meant to be the same everywhere.',
  },
  'source/unsafe-path': {
    kind: 'rejected',
    meaning: 'The tree contains a name or a symbolic link that would make an export write or read outside its folder.',
    remedy: 'Rename the entry or point the link at a file inside the repository, without .. after a folder name.',
  },
  'source/blob-too-large': {
    kind: 'unknown',
    meaning: 'A file of the repository is larger than Waybill reads for this purpose.',
    remedy: 'Make the file smaller; a policy, key or Dockerfile is never that large.',
  },
  'source/tree-too-large': {
    kind: 'rejected',
    meaning:
      'A tree unfolds to more files, folders or bytes than an export may have. A few small objects can be made to do that.',
    remedy: 'Build from a commit without the large folder; if the size is honest, split the repository.',
  },
  'source/certificate-unusable': {
    kind: 'rejected',
    meaning:
      'An SSH certificate may not sign commits, whoever issued it: it is one of a host, or it was signed by another certificate in place of an authority’s key.',
    remedy:
      'Sign with a user certificate that the authority’s own key signed: ssh-keygen -s CA -I ID -n NAME -V +1d KEY.pub',
  },
  'source/certificate-forged': {
    kind: 'rejected',
    meaning:
      'The signature on a certificate does not match its bytes: somebody changed the certificate, or wrote the name of an authority that never saw it.',
    remedy: 'Do not build this commit. If it is yours, have a certificate issued and sign it again with that.',
  },
  'source/certificate-untrusted': {
    kind: 'rejected',
    meaning:
      'The certificate that signed leads to no root certificate that the policy names, or a certificate on the way may not be used like this.',
    remedy:
      'If you trust the authority, add its root certificate to the policy in an approved commit: signers: [{ x509: { san: ADDRESS, roots: keys/ROOTS.pem } }]',
  },
  'source/root-unreadable': {
    kind: 'configuration',
    meaning: 'A file of root certificates that the policy names cannot be read as such.',
    remedy: 'Write the file again: openssl x509 -in ROOT.cer -outform PEM -out FILE',
  },
  'source/gitsign-online': {
    kind: 'unknown',
    meaning:
      'A gitsign signature was made in online mode: its log entry is not in the commit, so nothing says offline when the short-lived certificate was used.',
    remedy:
      'Sign in offline mode from now on: git config --global gitsign.rekorMode offline; sign this commit again: git commit --amend --no-edit -S',
  },
  'source/trust-root-missing': {
    kind: 'unknown',
    meaning: 'A gitsign signature needs the trust root of its Sigstore instance, and none is at hand here.',
    remedy:
      'Give the trust root: `trusted-root: FILE` under `with:`, on the command line --trusted-root FILE; or run where the public instance can be reached.',
  },
  'source/reviews-too-many': {
    kind: 'unknown',
    meaning: 'The repository holds more review statements (refs/waybill/reviews/…) than are read.',
    remedy:
      'Remove those of heads that were merged long ago: git push origin --delete refs/waybill/reviews/HEAD/PRINCIPAL',
  },
  'source/clone-failed': {
    kind: 'configuration',
    meaning: 'A git command in the clone on this machine failed, or a name in it stands for nothing.',
    remedy: 'Run the command in the clone itself and read what git says; git fetch brings what is missing.',
  },
  'source/review-unsigned': {
    kind: 'configuration',
    meaning: 'A review statement could not be signed: the program that holds the key failed, or made something else.',
    remedy:
      'Try the key by hand: ssh-keygen -Y sign -n waybill-review -f KEY FILE, or gpg --armor --detach-sign --local-user KEY FILE',
  },
  'source/review-invalid': {
    kind: 'rejected',
    meaning:
      'A review statement does not count: its signature is wrong, its key belongs to nobody who may review, or it is about another commit, branch or repository.',
    remedy: 'Review and sign again: waybill review sign TARGET..HEAD --push',
  },
  'source/disk-limit': {
    kind: 'unknown',
    meaning: 'The history of the repository needs more room on disk than the source stage may take.',
    remedy:
      'Move the anchor forward, so that fewer merges are made again: `since: <a later commit>`; keep very large files out of git.',
  },
  'source/allowed-signers-malformed': {
    kind: 'configuration',
    meaning: 'A line of an allowed_signers file is not what ssh-keygen reads, so whose key it holds is not clear.',
    remedy: 'Correct the line that is named; ssh-keygen(1), section ALLOWED SIGNERS, has the format.',
  },
  'source/engines-disagree': {
    kind: 'rejected',
    meaning:
      'Waybill’s own engine and gpg or ssh-keygen give different answers about one signature. One of them is wrong, so the commit is not accepted.',
    remedy:
      'Keep the object and look at it by hand: git cat-file commit COMMIT > commit.raw; report it as a fault of Waybill or of the other program.',
  },
  'source/engine-missing': {
    kind: 'configuration',
    meaning: 'Another program was asked to check signatures (--engine), and it is not there or cannot be used.',
    remedy: 'Install gnupg and openssh-client, or leave --engine away.',
  },
} as const satisfies Record<`source/${string}`, CatalogueEntry>
