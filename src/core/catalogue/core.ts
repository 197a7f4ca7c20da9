import type { CatalogueEntry } from '../catalogue.ts'

export const CORE_ERRORS = {
  'core/internal': {
    kind: 'unknown',
    meaning: 'Waybill met a situation it did not foresee. Nothing was decided by it.',
    remedy: 'Report it with the command and the version. Nothing that was not verified has been called verified.',
  },
  'core/digest-malformed': {
    kind: 'configuration',
    meaning: 'A digest is not spelled as sha256: followed by 64 lower-case hex digits.',
    remedy: 'Give the image as name@sha256:<64 hex>. A tag can move; a digest cannot.',
  },
  'core/commit-malformed': {
    kind: 'configuration',
    meaning: 'A commit is not given as its full 40-digit SHA-1 id. Repositories with SHA-256 ids are not supported.',
    remedy: 'Give the full commit id, as printed by: git rev-parse HEAD',
  },
  'core/base64-malformed': {
    kind: 'rejected',
    meaning: 'A field of a foreign document is not canonical base64, so its bytes could be read in more than one way.',
    remedy: 'Have the document written again by its producer; do not repair it by hand.',
  },
  'core/json-malformed': {
    kind: 'rejected',
    meaning:
      'A foreign document is not strict JSON: a syntax error, a duplicate key, bytes that are not UTF-8, or excessive nesting.',
    remedy: 'Have the document written again by its producer; two parsers may read a malformed one differently.',
  },
  'core/shape': {
    kind: 'rejected',
    meaning: 'A foreign document is JSON but has not the fields its format requires.',
    remedy: 'Check which program wrote the document and whether its format version is one Waybill reads.',
  },
  'core/unreachable': {
    kind: 'unknown',
    meaning: 'A server did not give a usable answer: no connection, a broken one, or none in time.',
    remedy: 'Run again. If it stays, check the host, the proxy variables and the service’s status page.',
  },
  'core/answer-too-large': {
    kind: 'unknown',
    meaning: 'A server sent more bytes than this kind of document may have.',
    remedy: 'Check that the URL points at the service it should; a document of this kind is never that large.',
  },
  'core/plain-http': {
    kind: 'configuration',
    meaning: 'A URL is not https, and its host is neither loopback nor listed as insecure.',
    remedy: 'Use https, or list the registry under insecure-registries if it has no TLS.',
  },
  'core/process-failed': {
    kind: 'unknown',
    meaning: 'A program that Waybill needs could not be started or did not end normally.',
    remedy: 'Check that the tool is installed and runs on this machine; its output stands in the log.',
  },
  'core/file-unreadable': {
    kind: 'configuration',
    meaning: 'A file that was named cannot be read: it is missing, not a regular file, or too large.',
    remedy: 'Check the path; relative paths begin in the folder where the command or step runs.',
  },
  'core/file-unwritable': {
    kind: 'unknown',
    meaning:
      'A file cannot be written: the disk is full or the folder is not writable. What was there before is unchanged.',
    remedy: 'Free space or choose another folder, then run again; what was published already stays.',
  },
  'core/offline': {
    kind: 'unknown',
    meaning: 'Something was needed from the network, and the run was told to use none.',
    remedy:
      'Give what is missing as a file (--bundle, --trusted-root), name the image by its digest, or leave out --offline.',
  },
  'core/address-refused': {
    kind: 'unknown',
    meaning:
      'A host that a manifest, an answer or a document names leads to this machine, to a private network or to a cloud’s metadata service. Asking it would let whoever wrote that document send requests from inside, so no connection was made.',
    remedy:
      'If the registry is your own and in your network, say `private: true` in the policy’s rule for it; otherwise remove the reference.',
  },
  'core/certificate-refused': {
    kind: 'unknown',
    meaning:
      'A server showed a certificate that this machine does not trust for its name: made by an unknown authority, expired, or for another host. Nothing was sent to it.',
    remedy:
      'If the server is inside your own network, name the PEM file of its authority: `ca-certificates: FILE` in the step, NODE_EXTRA_CA_CERTS=FILE for the command line. Otherwise somebody may stand in between.',
  },
  'core/authority-unusable': {
    kind: 'configuration',
    meaning:
      'A file of certificate authorities that an input names is not PEM, holds something else than certificates, or a server’s own certificate, which would be trusted for nothing.',
    remedy: 'Name the PEM file of the authority that signed the server’s certificate; your network’s owner has it.',
  },
  'core/worker-failed': {
    kind: 'unknown',
    meaning: 'A part of the program that runs in a thread of its own ended without an answer, or took too long.',
    remedy: 'Run again; if it stays, read what was found.',
  },
} as const satisfies Record<`core/${string}`, CatalogueEntry>
