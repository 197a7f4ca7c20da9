import type { CatalogueEntry } from '../catalogue.ts'

export const REGISTRY_ERRORS = {
  'registry/reference-malformed': {
    kind: 'configuration',
    meaning: 'An image name cannot be read as host/repository[:tag][@digest], or it has more than one reading.',
    remedy: 'Write it as host/repository@sha256:<64 hex>, all lower case, without https://',
  },
  'registry/manifest-malformed': {
    kind: 'rejected',
    meaning:
      'A manifest or index is not strict: duplicate keys, no media type or another one than the registry announced, both kinds of content, schema 1, or a broken descriptor. Two programs could read it differently.',
    remedy: 'Push the image again with a current tool; inspect what the registry holds with: skopeo inspect --raw',
  },
  'registry/digest-mismatch': {
    kind: 'rejected',
    meaning: 'The registry (or a cache before it) served other bytes than the digest that was asked for names.',
    remedy: 'Do not retry blindly: compare with a second registry or another network, and tell whoever runs this one.',
  },
  'registry/unauthorized': {
    kind: 'unknown',
    meaning: 'The registry wants a login, or does not accept the one that was found.',
    remedy: 'Log in before this step, e.g. with docker/login-action or: skopeo login <host>',
  },
  'registry/forbidden': {
    kind: 'unknown',
    meaning: 'The login is accepted, but it does not give the right that is needed on this repository.',
    remedy: 'Give the account write access to the repository; for ghcr.io add to the job: permissions: packages: write',
  },
  'registry/not-found': {
    kind: 'unknown',
    meaning:
      'The registry says that it has no such repository, manifest or blob. Some registries say so also when the login may not see it.',
    remedy: 'Check the name and the digest; if the image is private, log in first.',
  },
  'registry/rate-limited': {
    kind: 'unknown',
    meaning:
      'The registry refuses for now because too many requests were made, and did so until the time budget ended.',
    remedy: 'Run again later, or log in: registries allow more requests to a known account.',
  },
  'registry/unavailable': {
    kind: 'unknown',
    meaning: 'The registry answered with a server error until the time budget ended.',
    remedy: 'Run again; if it stays, look at the registry’s status page.',
  },
  'registry/unreachable': {
    kind: 'unknown',
    meaning: 'The registry gave no usable answer: no connection, a broken one, or none in time.',
    remedy: 'Check the host name, the network and the proxy variables, then run again.',
  },
  'registry/unexpected-answer': {
    kind: 'unknown',
    meaning: 'The registry answered with something the distribution specification does not provide for.',
    remedy: 'Check that the host is a registry and not a web page or proxy before it.',
  },
  'registry/challenge-malformed': {
    kind: 'unknown',
    meaning: 'The registry asks for a login in a WWW-Authenticate header that cannot be read.',
    remedy: 'Check that the host is a registry and not a web page or proxy before it.',
  },
  'registry/realm-refused': {
    kind: 'unknown',
    meaning:
      'The registry sends clients to a token server that is not https or belongs to somebody else. A login is never sent there.',
    remedy: 'If the token server is right, list it for this registry; otherwise do not use this registry.',
  },
  'registry/redirect-refused': {
    kind: 'unknown',
    meaning:
      'The registry redirects too often, to a URL that cannot be read, or from the network to this machine itself.',
    remedy: 'Check the registry’s storage and external URL settings.',
  },
  'registry/credentials-unreadable': {
    kind: 'configuration',
    meaning: 'A file with registry logins (docker config.json, containers auth.json) cannot be read or is not valid.',
    remedy: 'Correct the file or write it again with: docker login <host>',
  },
  'registry/credential-helper-failed': {
    kind: 'unknown',
    meaning: 'The program that keeps the login of this registry (docker-credential-…) is missing or failed.',
    remedy: 'Install the helper and try it: echo <host> | docker-credential-<name> get',
  },
  'registry/precondition-failed': {
    kind: 'unknown',
    meaning: 'Somebody else changed the tag between reading and writing it.',
    remedy: 'Run again.',
  },
  'registry/referrers-incomplete': {
    kind: 'unknown',
    meaning:
      'The list of what is attached to an image could not be read to its end, so nothing may rest on an absence.',
    remedy: 'Run again; if it stays, remove referrers that nobody needs, or look at the registry’s referrers API.',
  },
  'registry/fallback-contended': {
    kind: 'unknown',
    meaning:
      'Other writers kept removing our entry from the tag that lists an image’s referrers. The attestations are stored but not listed.',
    remedy: 'Run again when no other job attaches something to the same image.',
  },
  'registry/fallback-unavailable': {
    kind: 'unknown',
    meaning:
      'The registry has no referrers API and does not keep the tag that replaces it, so attached statements could not be found again.',
    remedy: 'Update the registry, or keep the bundles as files or in the GitHub attestation store.',
  },
  'registry/fallback-too-large': {
    kind: 'unknown',
    meaning: 'The tag that lists an image’s referrers is so large that appending to it is refused.',
    remedy: 'Remove old referrers of this image, or use a registry with the referrers API.',
  },
  'registry/tag-immutable': {
    kind: 'unknown',
    meaning: 'The registry does not let an existing tag point elsewhere.',
    remedy:
      'Turn tag immutability off for this repository, or exclude tags that begin with sha256- from it: the list of referrers is kept in such a tag.',
  },
  'registry/tag-malformed': {
    kind: 'configuration',
    meaning: 'A tag name is not one a registry accepts.',
    remedy: 'Use letters, digits, dot, dash and underscore, at most 128 characters, not beginning with a dot or dash.',
  },
  'registry/tag-reserved': {
    kind: 'configuration',
    meaning:
      'A tag name is one that holds lists of referrers or files. Writing it would hide or replace signatures of an image.',
    remedy: 'Choose another tag; names beginning with sha256-<digest>, file-sha256- and waybill- are reserved.',
  },
  'registry/tag-not-ours': {
    kind: 'rejected',
    meaning: 'The tag exists and points to something that is not an image, so it is not overwritten.',
    remedy: 'Look at it with: skopeo inspect --raw, and choose another tag or remove this one by hand.',
  },
  'registry/tag-changed': {
    kind: 'unknown',
    meaning: 'The tag was moved by somebody else after it had been checked.',
    remedy: 'Run again: the tag is then judged as it stands now.',
  },
  'registry/child-missing': {
    kind: 'rejected',
    meaning:
      'An index or manifest names a part that the registry does not hold, so the image cannot be pulled as signed.',
    remedy: 'Push the image again completely, with all its platforms.',
  },
  'registry/image-too-large': {
    kind: 'unknown',
    meaning: 'An index has more parts or deeper nesting than is examined.',
    remedy: 'Split the index; an image rarely has more than twenty platforms.',
  },
  'registry/layout-malformed': {
    kind: 'configuration',
    meaning: 'A folder or tar is not an OCI image layout, or it is damaged.',
    remedy:
      'Write it again, e.g. with: docker buildx build --output type=oci,dest=image.tar, or skopeo copy … oci:folder',
  },
  'registry/layout-ambiguous': {
    kind: 'configuration',
    meaning: 'An OCI layout holds no image or several, and nothing says which is meant.',
    remedy: 'Write a layout with one image, or name the one that is meant.',
  },
  'registry/bundle-skipped': {
    kind: 'unknown',
    meaning:
      'Something attached to the image is not a bundle of the shape that is read, or is too large. It counts as no evidence.',
    remedy: 'Nothing, if it is not yours; otherwise attach it again with a current tool.',
  },
  'registry/file-bundles-full': {
    kind: 'unknown',
    meaning:
      'The artifact that holds the bundles of a file holds as many as a gate examines; one more would push another out of sight.',
    remedy:
      'Delete the tag that the message names and publish the bundles again that still count, or use another files-repository.',
  },
  'registry/file-bundles-contended': {
    kind: 'unknown',
    meaning:
      'Other writers replaced the list of a file’s bundles again and again, so that those of this run may not be in it. They are on disk.',
    remedy: 'Run again when the other writers have finished; what is there already is kept.',
  },
  'registry/not-a-parent': {
    kind: 'unknown',
    meaning:
      'An index that was named beside a platform’s manifest does not list that manifest, so nothing that is signed about the index speaks of it.',
    remedy: 'Name the index that the manifest was pushed with, by digest, or verify the index itself.',
  },
  'registry/config-malformed': {
    kind: 'rejected',
    meaning:
      'The config of a base image cannot be read, so that nobody can say what its ONBUILD would pull into a build.',
    remedy: 'Use another image, or have this one built again.',
  },
  'registry/attestation-unusable': {
    kind: 'rejected',
    meaning:
      'An index calls a manifest the attestation manifest of one of its platforms, and it is not: it is about another one, or holds no statement of the kind that was asked for.',
    remedy: 'Find out who wrote the index. If it is your own, build and push the image again with provenance.',
  },
  'registry/legacy-full': {
    kind: 'unknown',
    meaning:
      'The tag in which cosign up to version 2 looks for the signatures of an image holds as many as are read; one more would be seen by nobody.',
    remedy:
      'Delete the tag that the message names if nobody needs what is in it, then run again; what other readers go by is attached already.',
  },
  'registry/legacy-contended': {
    kind: 'unknown',
    meaning:
      'Other writers replaced the tag with the signatures of an image again and again, so that those of this run may not be in it. They are on disk.',
    remedy: 'Run again when the other writers have finished; what is there already is kept.',
  },
  'registry/body-too-large': {
    kind: 'unknown',
    meaning: 'The registry, or a front end before it, takes no request of this size, not even in the smallest pieces.',
    remedy: 'Raise the bound of the front end, e.g. for nginx: client_max_body_size 0; or push past it.',
  },
  'registry/parts-lost': {
    kind: 'unknown',
    meaning:
      'The registry accepted the parts of a manifest and then said, again after they were sent once more, that it has not got them.',
    remedy:
      'Run again; if it stays, look at the registry’s storage, and whether a clean-up runs while images are pushed.',
  },
} as const satisfies Record<`registry/${string}`, CatalogueEntry>
