import type { CatalogueEntry } from '../catalogue.ts'

/** What a signed tree only points to: submodules, and content of Git LFS. */
export const SOURCE_CONTENT_ERRORS = {
  'source/submodule-undeclared': {
    kind: 'rejected',
    meaning:
      'The tree to build holds a submodule, and neither the materials manifest of the commit nor a rule of the policy’s `materials` allows it. Its files are not part of the signed tree; only the id of its commit is.',
    remedy:
      'Declare it in .github/waybill.materials.yml: `use: {submodule: PATH}` with `uri: git+https://HOST/OWNER/NAME@COMMIT` and `digest: {gitCommit: COMMIT}`; `materials-mode: off` reads no manifest. Lines to paste: waybill materials print',
  },
  'source/submodule-mismatch': {
    kind: 'rejected',
    meaning:
      'The materials manifest declares a submodule other than the tree holds: another commit, another repository, or none at that path.',
    remedy: 'If the tree is right, have the manifest follow it in a reviewed commit: waybill materials lock',
  },
  'source/submodule-url-refused': {
    kind: 'rejected',
    meaning:
      'The file .gitmodules names a submodule by an address from which Waybill fetches nothing: no https, a login, an option, or a path out of the server.',
    remedy:
      'Set an https address and commit it: git config -f .gitmodules submodule.NAME.url https://HOST/OWNER/NAME.git',
  },
  'source/submodule-depth': {
    kind: 'rejected',
    meaning: 'Submodules lie deeper in one another than Waybill follows them.',
    remedy: 'Add the inner repositories to the outer one, so that fewer lie in one another: git submodule add URL PATH',
  },
  'source/gitmodules-malformed': {
    kind: 'rejected',
    meaning:
      'The file .gitmodules of the tree is not what git writes, or holds a name, path or command that programs have been attacked with.',
    remedy: 'Write it again with git: git submodule add URL PATH; see what git reads: git config -f .gitmodules --list',
  },
  'source/lfs-pointer-malformed': {
    kind: 'rejected',
    meaning:
      'A file of the tree begins like a Git LFS pointer and then holds something else, so which content is meant is not clear.',
    remedy:
      'Let git write it again and commit it: git add --renormalize PATH. Extensions of Git LFS are not supported.',
  },
  'source/lfs-too-large': {
    kind: 'rejected',
    meaning: 'A Git LFS pointer of the tree stands for more bytes than Waybill fetches.',
    remedy:
      'Keep files of that size outside of git, and declare them in .github/waybill.materials.yml with `uri`, `digest` and `use: {path: PATH}`.',
  },
  'source/lfs-missing': {
    kind: 'unknown',
    meaning: 'The server says that it does not have the content a Git LFS pointer of the commit stands for.',
    remedy:
      'Send it, then run again: git lfs push --all origin. A file that only looks like a pointer must be renamed or changed.',
  },
  'source/lfs-unavailable': {
    kind: 'unknown',
    meaning:
      'The Git LFS service of the server did not give the content of a file: it did not answer, has no right for this token, limits requests, or offers only ways of transfer that Waybill does not have.',
    remedy:
      'Run again later. If it stays, give the job `permissions: {contents: read}` and leave the input `github-token` as it is; see whether the quota of Git LFS is used up.',
  },
  'source/lfs-answer-malformed': {
    kind: 'unknown',
    meaning: 'The Git LFS service of the server gave an answer that is not what its specification says.',
    remedy: 'Run again; if it stays, tell whoever runs the server, with the message above.',
  },
} as const satisfies Record<`source/${string}`, CatalogueEntry>
