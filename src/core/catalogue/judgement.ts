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
    remedy:
      'Name the commit in exceptions of an approved policy, or set an anchor after it (since). For commits to come extend the key’s date and commit the new key file.',
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
    meaning:
      'A signature belongs to two principals of the policy: by its key and its primary key, or by two names in one certificate.',
    remedy:
      'Name the key once in the policy, under one principal, by its primary fingerprint; have certificates issued to one person each.',
  },
  'source/platform-unsupported': {
    kind: 'rejected',
    meaning:
      'A commit was made and signed by the platform itself (a merge, squash or edit in the web interface or by API), and no rule for the ref accepts any such commit. Anybody with write access can obtain such a signature.',
    remedy:
      'Merge on your own machine and sign: git merge --no-ff -S BRANCH, then push; or say in the rule what may pass (platform: {merge: clean}); or name the commit in exceptions.',
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
  'source/platform-content': {
    kind: 'rejected',
    meaning:
      'A commit signed by the platform was not proved to be a clean merge, squash or rebase of signed commits, so it counts as content of its author, and no rule accepts such content of him.',
    remedy:
      'Make the change on your own machine and sign it: git commit -S. Content of a bot counts only in a pull request that is its own from the first commit to the last.',
  },
  'source/platform-key-missing': {
    kind: 'unknown',
    meaning:
      'A commit claims to be signed by the platform, but the platform’s public key was not at hand, so the signature could not be checked.',
    remedy:
      'Run again where the platform can be reached (https://github.com/web-flow.gpg for GitHub), or put the key into the repository and name it in the policy: platform-keys: [{openpgp: {fingerprint: FINGERPRINT, file: keys/platform.asc}}]',
  },
  'source/platform-evidence-missing': {
    kind: 'unknown',
    meaning:
      'A commit can only be judged with what the platform knows about it (its pull request, reviews, who acted), and the platform did not say: no token, a missing permission, a rate limit, an error, or no answer in time.',
    remedy:
      'Give `github-token`, add `permissions: { contents: read, pull-requests: read }` to the job, and run again; or merge on your own machine and sign: git merge --no-ff -S BRANCH.',
  },
  'source/merge-not-checked': {
    kind: 'unknown',
    meaning:
      'Whether a merge, squash or rebased commit of the platform holds no more than what was merged could not be told: its parents conflict, git is older than 2.38, a commit could not be fetched, or the merge is beyond a bound. That is no sign of tampering.',
    remedy:
      'Merge locally and sign: git merge --no-ff -S BRANCH (git 2.38 or newer checks the others); or name the commit in exceptions.',
  },
  'source/unreviewed': {
    kind: 'rejected',
    meaning:
      'A commit came onto the branch without the review that the rule asks for: it was pushed directly, holds more than what was approved, or the approvals do not count (an older head, the author’s own, after the merge, before the base was changed, without write access).',
    remedy:
      'Have it reviewed with the reviewer’s own key: waybill review sign PARENT..COMMIT --target BRANCH --push; or name the commit in exceptions.',
  },
  'source/reviewer-unknown': {
    kind: 'unknown',
    meaning:
      'A commit was approved, but whether by somebody else than its makers cannot be told: one of them belongs to no principal or to several, or nobody knows who pushed last.',
    remedy:
      'Give the people their e-mails and GitHub ids in the policy, or let a reviewer sign: waybill review sign PARENT..COMMIT --target BRANCH --push.',
  },
  'source/review-evidence-missing': {
    kind: 'unknown',
    meaning:
      'Reviews of a commit could not be read completely: a review statement that a comment of the pull request speaks of is gone or was replaced, the statements could not be read, or the platform did not list all reviews or comments.',
    remedy:
      'Have the reviewer decide again, so that his new comment takes the place of the old one (waybill review sign PULL-REQUEST --target BRANCH --push), and run again.',
  },
  'source/tag-unsigned': {
    kind: 'rejected',
    meaning:
      'A rule asks for a signed tag, but the tag is lightweight (a bare name for a commit) or annotated without a signature.',
    remedy: 'Make it again as a signed tag: git tag -s -f NAME COMMIT, then git push --force origin refs/tags/NAME',
  },
  'source/tag-name-mismatch': {
    kind: 'rejected',
    meaning:
      'The name inside the signed tag is not the name under which it is served. Whoever may push could serve the signed tag of an old release as that of a new one.',
    remedy: 'Make the tag under its own name: git tag -s -f NAME COMMIT, then git push --force origin refs/tags/NAME',
  },
  'source/tag-other-commit': {
    kind: 'rejected',
    meaning:
      'The tag, as the server serves it now, does not name the commit that is built: it was moved after the run began, or the commit was given from elsewhere.',
    remedy: 'Start a new run for the tag as it is now; if nobody meant to move it, find out who did.',
  },
  'source/tag-not-of-commit': {
    kind: 'rejected',
    meaning:
      'The tag names another tag, a tree or a blob. What its signer meant to release would depend on objects that the tag does not name.',
    remedy: 'Tag the commit itself: git tag -s -f NAME COMMIT, then git push --force origin refs/tags/NAME',
  },
  'source/tag-off-branch': {
    kind: 'rejected',
    meaning:
      'The tagged commit does not lie between the anchor and the tip of a branch that the tag rule names, as the server serves it now, so nobody had to accept it.',
    remedy:
      'Bring the commit to a branch of the rule’s `on` by the ordinary way, then tag it there; a commit older than the anchor needs an older anchor.',
  },
  'source/tagger-mismatch': {
    kind: 'rejected',
    meaning:
      'A tag is signed by a known principal, but its tagger’s e-mail is not one of that principal’s. Git never compares the two.',
    remedy:
      'Set the e-mail and tag again: git config user.email ADDRESS, then git tag -s -f NAME COMMIT; or add the address to the principal.',
  },
  'source/mergetag-unrelated': {
    kind: 'rejected',
    meaning:
      'A merge holds a signed tag that names none of the commits it merges, so the tag is evidence for nothing here. As a note it does not count against the verdict.',
    remedy: 'Nothing to do; to have the tag count, merge it again: git merge --no-ff -S TAG',
  },
  'source/key-not-yet-valid': {
    kind: 'rejected',
    meaning: 'The policy gives the key that signed a beginning (not-before), and the commit is older than that.',
    remedy: 'Sign the commit again after that date, or correct not-before in an approved change of the policy.',
  },
  'source/user-presence-missing': {
    kind: 'rejected',
    meaning:
      'A security key signed without anybody touching it. A program on the same machine can make it do so, which is what the touch is there to prevent; a key made with no-touch-required is therefore not accepted.',
    remedy: 'Make a key that asks for a touch (ssh-keygen -t ed25519-sk) and sign again with it.',
  },
  'source/user-verification-missing': {
    kind: 'rejected',
    meaning: 'The policy asks that the security key checked a PIN or a finger, and the signature says that it did not.',
    remedy: 'Make a key that asks for it (ssh-keygen -t ed25519-sk -O verify-required) and sign again with it.',
  },
  'source/certificate-expired': {
    kind: 'rejected',
    meaning:
      'The certificate of the key that signed has ended, and no trusted time proves that the signature is older.',
    remedy:
      'Sign the commit again with a new certificate: git commit --amend --no-edit -S; or name the commit in exceptions.',
  },
  'source/certificate-not-yet-valid': {
    kind: 'rejected',
    meaning: 'The certificate of the key that signed begins later than the commit.',
    remedy: 'Compare the clock of whoever issued the certificate, and sign the commit again when it is valid.',
  },
  'source/certificate-options': {
    kind: 'rejected',
    meaning:
      'An SSH certificate has a critical option. Whoever does not understand one must refuse the certificate, and none says anything about commits: force-command, for instance, means that the key may only run one program.',
    remedy:
      'Have a certificate issued without critical options for signing: ssh-keygen -s CA -I ID -n NAME -V +1d KEY.pub',
  },
  'source/certificate-names': {
    kind: 'rejected',
    meaning: 'An SSH certificate names nobody, which for OpenSSH means everybody. It is never accepted.',
    remedy: 'Have the certificate issued with a name: ssh-keygen -s CA -I ID -n NAME -V +1d KEY.pub',
  },
  'source/certificate-too-long': {
    kind: 'rejected',
    meaning:
      'An SSH certificate is valid for longer than max-validity of the policy. A short life is what stands in for revoking it.',
    remedy:
      'Have the certificate issued for a shorter time (ssh-keygen -V +1d), or raise max-validity in an approved change of the policy.',
  },
  'source/earlier-refused': {
    kind: 'rejected',
    meaning:
      'A source summary of an earlier run was found and is not used: it is not of this repository, branch, workflow, policy and anchor, or did not pass. Anybody’s workflow can sign one. As a note it does not count against the verdict.',
    remedy: 'Nothing, if it is not yours. A workflow of this repository that should count belongs in source-workflows.',
  },
  'source/platform-disagrees': {
    kind: 'rejected',
    meaning:
      'The platform thinks otherwise of a commit’s signature than Waybill: it calls verified what is refused here, or bad what is valid here. As a note it does not count against the verdict, which rests on the commit’s own bytes and the keys of the policy.',
    remedy:
      'Look at the commit and its key. The platform keeps calling a key good that was revoked since, and knows only keys that their owners uploaded.',
  },
} as const satisfies Record<`source/${string}`, CatalogueEntry>
