import type { CatalogueEntry } from '../catalogue.ts'

/** The gate: what cannot be read of the manifests, compose files and files that name its subjects. */
export const SUBJECTS_ERRORS = {
  'verify/unexamined-image': {
    kind: 'unknown',
    meaning:
      'A place where an image stands or may stand could not be examined: a template, a build, a value that is decided elsewhere, or something that is no image reference. What runs from it is not known.',
    remedy: 'Write the image out, with a digest where possible, or take out what cannot be examined.',
  },
  'verify/manifest-unreadable': {
    kind: 'unknown',
    meaning:
      'A manifest or compose file could not be read, is larger than allowed, or is written so that two programs would read two different files. Which images it names is not known.',
    remedy: 'Correct the line that is named. A template has to be rendered first.',
  },
  'verify/manifest-empty': {
    kind: 'unknown',
    meaning: 'A file that should name images holds no document at all. What was not there is not passed.',
    remedy: 'Check that the command before this one wrote its output to the file, and that it is the right file.',
  },
  'verify/no-images': {
    kind: 'unknown',
    meaning: 'A file names no image. As a note it does not count, but nothing was judged in that file.',
    remedy: 'Nothing, if the file is not meant to start anything.',
  },
  'verify/not-looked-at': {
    kind: 'unknown',
    meaning: 'Something that may lead to an image is not looked into. As a note it does not count against the verdict.',
    remedy: 'If images start from it, give them to the gate by name.',
  },
  'verify/interpolated-image': {
    kind: 'unknown',
    meaning:
      'An image of a compose file is put together from variables, and was judged with the values known here. The shell that deploys may have others. As a note it does not count against the verdict.',
    remedy: 'Deploy the file that --pin writes, or set the same variables there.',
  },
  'verify/not-pinnable': {
    kind: 'configuration',
    meaning:
      'A digest cannot be written into the file: the image is put together from several values, or the same characters mean something else at another place.',
    remedy: 'Write the image as one text of its own at that place, without an alias.',
  },
  'verify/no-files': {
    kind: 'configuration',
    meaning: 'A name or pattern matches no file, so there is nothing to verify. Nothing judged is never passed.',
    remedy:
      'Correct the pattern, or check that the step that makes the files ran. What was rejected before may lie in quarantine: waybill quarantine list',
  },
  'verify/file-not-plain': {
    kind: 'configuration',
    meaning:
      'A name leads to something other than a file of its own: a symbolic link, a folder, a device. What stands behind a link can change between check and use.',
    remedy: 'Name the file itself.',
  },
  'verify/file-changed': {
    kind: 'unknown',
    meaning: 'A file changed while it was read, so its digest is of something that nobody has.',
    remedy: 'Wait until the file is written, and run again.',
  },
  'verify/bundle-unreadable': {
    kind: 'unknown',
    meaning: 'A file of bundles is neither one JSON object nor one JSON object a line, or is larger than allowed.',
    remedy: 'Download the bundles again; a bundle is one JSON object.',
  },
  'verify/image-id-unclear': {
    kind: 'unknown',
    meaning:
      'What runs could not be brought to the digest of a manifest: the node tells only an id of its own or nothing, and the registry has no manifest that goes with it.',
    remedy:
      'Name the image by digest (waybill verify manifest --pin writes it) and let the pod start again, so that the node fetches it from its registry.',
  },
  'verify/drift': {
    kind: 'rejected',
    meaning:
      'Another image runs than the specification names by digest. The node has not fetched what it was told to, or somebody changed one of the two.',
    remedy:
      'Find out who started the pod and what the node has under that name; then delete the pod, so that it starts again.',
  },
  'verify/not-started': {
    kind: 'unknown',
    meaning:
      'No node runs the image yet, so it is judged by what the specification names. As a note it does not count against the verdict.',
    remedy: 'Verify again when the pod has started.',
  },
  'verify/pod-unreadable': {
    kind: 'unknown',
    meaning: 'A pod in the answer of the API server is not of the documented form, so nobody knows what it runs.',
    remedy: 'Check that the address in the kubeconfig is that of a Kubernetes API server.',
  },
  'verify/cluster-incomplete': {
    kind: 'unknown',
    meaning: 'The list of pods could not be read to its end. What was read is judged; what the rest runs is not known.',
    remedy: 'Run again, with --namespace for fewer pods at a time.',
  },
  'verify/cluster-list-expired': {
    kind: 'unknown',
    meaning: 'The API server has forgotten the list of pods while it was read, so the list has to be begun again.',
    remedy: 'Run again, with --namespace for fewer pods at a time.',
  },
  'verify/cluster-forbidden': {
    kind: 'unknown',
    meaning: 'The API server knows who asks, or does not, and in either case does not let him list the pods.',
    remedy: 'Grant the role that docs/cluster.md shows: get and list of pods.',
  },
  'verify/cluster-unreachable': {
    kind: 'unknown',
    meaning:
      'The API server did not answer, answered something else than a list of pods, or is not the one that the kubeconfig trusts.',
    remedy: 'Check server and certificate-authority-data in the kubeconfig: kubectl get pods must work with it.',
  },
  'verify/kubeconfig-unusable': {
    kind: 'configuration',
    meaning: 'The kubeconfig cannot be read, names no such context, or asks for something that is not done.',
    remedy: 'Choose another with --kubeconfig FILE or --context NAME; kubectl config view --minify shows what is used.',
  },
  'verify/credential-plugin-failed': {
    kind: 'unknown',
    meaning: 'The program that the kubeconfig names for logging in did not give a credential.',
    remedy: 'Run the program by hand. It sees PATH, HOME and what the kubeconfig sets for it, and no other variables.',
  },
} as const satisfies Record<`verify/${string}`, CatalogueEntry>
