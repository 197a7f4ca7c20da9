import type { CatalogueEntry } from '../catalogue.ts'

/** A running application by its URL: the document that it serves, and serving it (7-verify-deploy § 5). */
export const URL_ERRORS = {
  'verify/url-unusable': {
    kind: 'configuration',
    meaning:
      'What was given is not the address of an application: it is no https URL, or it holds a user name or password.',
    remedy: 'Give the host as a browser shows it: waybill verify url https://app.example.com',
  },
  'verify/document-unavailable': {
    kind: 'unknown',
    meaning:
      'The host does not answer with a document about what it runs. Nothing is known about it, which is not the same as nothing being wrong.',
    remedy:
      'Whoever runs the application has to serve the document beside it, as docs/running.md shows, so that this host answers /.well-known/waybill.json.',
  },
  'verify/document-redirect': {
    kind: 'unknown',
    meaning:
      'The host sends whoever asks for its document to another place. What stands there is another host’s word, so nothing was asked there.',
    remedy: 'Ask the other host by its own URL, if that is the one you mean; otherwise have the redirect removed.',
  },
  'verify/document-stale': {
    kind: 'rejected',
    meaning:
      'The document about what runs is too old, or dated to a time that has not come: it may have been recorded when something else ran.',
    remedy:
      'Ask again. If it stays: compare the clocks of both machines, and look whether a cache stands before the server of the document.',
  },
  'verify/document-audience': {
    kind: 'rejected',
    meaning:
      'The document was made for another host than the one that was asked. Somebody shows the good document of another application as his own.',
    remedy:
      'If both hosts are yours, give the server of the document an --audience for each of them; otherwise do not trust this host.',
  },
  'verify/document-too-many': {
    kind: 'unknown',
    meaning:
      'The document names more images than are judged for a stranger’s word: each is a request to a registry of its choice.',
    remedy: 'Whoever may list the pods judges the namespace from inside: waybill verify cluster --policy FILE',
  },
  'verify/host-own-claim': {
    kind: 'unknown',
    meaning:
      'The images that the host names were judged, but nobody whom the caller knows says that these run: that is this host’s own claim.',
    remedy:
      'Name who signs for the cluster, learned from its operator and not from this host: --server-key FILE, or --server-identity IDENTITY with --server-oidc-issuer URL.',
  },
  'verify/image-not-listed': {
    kind: 'rejected',
    meaning:
      'An image that the caller expects to run is not in the document: less runs there than expected, or something else in its place.',
    remedy:
      'Compare the document with what was deployed; an image that no longer runs is to be left out of --expect-image.',
  },
  'verify/host-claims': {
    kind: 'unknown',
    meaning:
      'What the document says about an image, beside what the caller expects. As a note it is shown and never trusted.',
    remedy: 'Nothing. If the two differ, ask whoever deployed why.',
  },
  'serve/not-opted-in': {
    kind: 'configuration',
    meaning:
      'The namespace does not say that what it runs may be told. Nothing was listed, and whoever asks is told that there is nothing.',
    remedy: 'If it may be told, annotate the namespace as docs/running.md shows.',
  },
  'serve/nothing-runs': {
    kind: 'unknown',
    meaning: 'No container of the namespace runs an image with a digest, so there is nothing to sign.',
    remedy: 'Wait until the pods have started; look at them with: kubectl get pods --namespace NAME',
  },
  'serve/too-much-runs': {
    kind: 'unknown',
    meaning:
      'The namespace runs more than a document can hold. Half a list would look like the whole, so none is signed.',
    remedy: 'Serve a namespace with fewer pods, one for each application.',
  },
  'serve/no-namespace': {
    kind: 'configuration',
    meaning: 'Nothing says which namespace is to be told about.',
    remedy: 'Give --namespace NAME; inside a cluster the namespace of the service account is the default.',
  },
  'serve/cluster-unreadable': {
    kind: 'unknown',
    meaning: 'The API server did not let the namespace be read, or not to its end. Half a list is never signed.',
    remedy: 'Compare the role of the service account with deploy/serve/waybill-serve.yaml.',
  },
  'serve/not-listening': {
    kind: 'configuration',
    meaning: 'The address to listen on cannot be used: another program has it, or it is not of this machine.',
    remedy: 'Choose another: --listen 127.0.0.1:8080',
  },
} as const satisfies Record<`${'verify' | 'serve'}/${string}`, CatalogueEntry>
