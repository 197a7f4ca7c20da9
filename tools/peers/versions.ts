/** Every foreign program of the peers ring and its version: the one place to change one. */

export interface GoPeer {
  /** Name of its folder in the cache and of the program in it. */
  readonly name: string
  /** The module whose version counts, as `go version -m` names it. */
  readonly module: string
  readonly version: string
  /** Import path of the program. */
  readonly main: string
  /**
   * Built inside a module made for it: for programs whose own module refuses `go install` (exclude and replace
   * directives), and for our own source, which is then the file's name in this folder.
   */
  readonly wrapped?: true | { readonly source: string }
  /** What the module that is made for it replaces, as `go mod edit -replace` takes it. */
  readonly replace?: readonly string[]
  /** Without the C library: for programs that are put into an image from nothing. */
  readonly static?: true
  /** Texts that its own makers put into it with the linker, such as what it says its version is. */
  readonly stamps?: Readonly<Record<string, string>>
  /** Files of the module that are kept beside the program: name in the cache → path in the module. */
  readonly files?: Readonly<Record<string, string>>
}

const TRILLIAN = { module: 'github.com/google/trillian', version: 'v1.7.3' } as const
const BUILDKIT = { module: 'github.com/moby/buildkit', version: 'v0.26.3' } as const
const CONTAINER_REGISTRY = { module: 'github.com/google/go-containerregistry', version: 'v0.21.9' } as const

const POLICY_CONTROLLER = {
  module: 'github.com/sigstore/policy-controller',
  version: 'v0.13.1',
  wrapped: true,
  // As its own module does; replacements of a dependency do not count otherwise.
  replace: [
    'github.com/golang/glog=github.com/jdolitsky/glog@v0.0.0-20220729172235-78744e90d087',
    'k8s.io/code-generator=k8s.io/code-generator@v0.29.4',
  ],
} as const
const KYVERNO = {
  module: 'github.com/kyverno/kyverno',
  version: 'v1.19.1',
  wrapped: true,
  replace: [
    'k8s.io/pod-security-admission=github.com/kyverno/pod-security-admission@v0.0.0-20251031094455-46f20778634f',
  ],
} as const

/** Parts of Kubernetes that are published as modules of their own. */
const KUBERNETES_STAGING = [
  'api',
  'apiextensions-apiserver',
  'apimachinery',
  'apiserver',
  'cli-runtime',
  'client-go',
  'cloud-provider',
  'cluster-bootstrap',
  'code-generator',
  'component-base',
  'component-helpers',
  'controller-manager',
  'cri-api',
  'cri-client',
  'cri-streaming',
  'csi-translation-lib',
  'dynamic-resource-allocation',
  'endpointslice',
  'externaljwt',
  'kms',
  'kube-aggregator',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubectl',
  'kubelet',
  'metrics',
  'mount-utils',
  'pod-security-admission',
  'sample-apiserver',
  'sample-controller',
  'streaming',
]

export const GO_PEERS = [
  {
    name: 'cosign3',
    module: 'github.com/sigstore/cosign/v3',
    version: 'v3.1.2',
    main: 'github.com/sigstore/cosign/v3/cmd/cosign',
  },
  {
    name: 'cosign2',
    module: 'github.com/sigstore/cosign/v2',
    version: 'v2.6.4',
    main: 'github.com/sigstore/cosign/v2/cmd/cosign',
  },
  {
    name: 'fulcio',
    module: 'github.com/sigstore/fulcio',
    version: 'v1.8.8',
    main: 'github.com/sigstore/fulcio',
    files: { 'config.yaml': 'config/identity/config.yaml' },
  },
  {
    name: 'timestamp-server',
    module: 'github.com/sigstore/timestamp-authority/v2',
    version: 'v2.1.3',
    main: 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server',
  },
  {
    name: 'rekor-server',
    module: 'github.com/sigstore/rekor',
    version: 'v1.5.4',
    main: 'github.com/sigstore/rekor/cmd/rekor-server',
  },
  {
    name: 'rekor-tiles',
    module: 'github.com/sigstore/rekor-tiles/v2',
    version: 'v2.3.0',
    main: 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix',
  },
  {
    ...TRILLIAN,
    name: 'trillian_log_server',
    main: 'github.com/google/trillian/cmd/trillian_log_server',
    files: { 'schema.sql': 'storage/mysql/schema/storage.sql' },
  },
  { ...TRILLIAN, name: 'trillian_log_signer', main: 'github.com/google/trillian/cmd/trillian_log_signer' },
  { ...TRILLIAN, name: 'createtree', main: 'github.com/google/trillian/cmd/createtree' },
  {
    name: 'ct_server',
    module: 'github.com/google/certificate-transparency-go',
    version: 'v1.3.3',
    main: 'github.com/google/certificate-transparency-go/trillian/ctfe/ct_server',
  },
  { ...CONTAINER_REGISTRY, name: 'crane', main: 'github.com/google/go-containerregistry/cmd/crane' },
  {
    ...CONTAINER_REGISTRY,
    name: 'referrers-registry',
    main: 'waybill.test/peer',
    wrapped: { source: 'referrers-registry.go' },
  },
  {
    name: 'distribution',
    module: 'github.com/distribution/distribution/v3',
    version: 'v3.1.2',
    main: 'github.com/distribution/distribution/v3/cmd/registry',
  },
  {
    name: 'buildx',
    module: 'github.com/docker/buildx',
    version: 'v0.29.1',
    main: 'github.com/docker/buildx/cmd/buildx',
    wrapped: true,
  },
  { ...BUILDKIT, name: 'buildkitd', main: 'github.com/moby/buildkit/cmd/buildkitd', wrapped: true },
  { ...BUILDKIT, name: 'buildctl', main: 'github.com/moby/buildkit/cmd/buildctl', wrapped: true, static: true },
  {
    ...BUILDKIT,
    name: 'dockerfile-frontend',
    main: 'github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend',
    wrapped: true,
    static: true,
  },
  {
    ...POLICY_CONTROLLER,
    name: 'policy-tester',
    main: 'github.com/sigstore/policy-controller/cmd/tester',
  },
  {
    ...POLICY_CONTROLLER,
    name: 'policy-webhook',
    main: 'github.com/sigstore/policy-controller/cmd/webhook',
    files: {
      'cluster-role.yaml': 'config/200-clusterrole.yaml',
      'role.yaml': 'config/200-role.yaml',
      'cluster-role-binding.yaml': 'config/201-clusterrolebinding.yaml',
      'role-binding.yaml': 'config/201-rolebinding.yaml',
      'image-policies.yaml': 'config/300-clusterimagepolicy.yaml',
      'trust-roots.yaml': 'config/300-trustroot.yaml',
      'webhooks.yaml': 'config/500-webhook-configuration.yaml',
      'policy-webhooks.yaml': 'config/501-policy-webhook-configurations.yaml',
    },
  },
  { ...KYVERNO, name: 'kyverno', main: 'github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno' },
  {
    ...KYVERNO,
    name: 'kyverno-admission',
    main: 'github.com/kyverno/kyverno/cmd/kyverno',
    files: { 'install.yaml': 'config/install-latest-testing.yaml' },
  },
  {
    name: 'etcd',
    module: 'go.etcd.io/etcd/server/v3',
    version: 'v3.6.4',
    main: 'go.etcd.io/etcd/server/v3',
    wrapped: true,
  },
  {
    name: 'kube-apiserver',
    module: 'k8s.io/kubernetes',
    version: 'v1.36.3',
    main: 'k8s.io/kubernetes/cmd/kube-apiserver',
    wrapped: true,
    // The published module points at folders of its own tree; each of them is published as a module of its own, too.
    replace: KUBERNETES_STAGING.map(name => `k8s.io/${name}=k8s.io/${name}@v0.36.3`),
    // Without it the server calls itself a version that its clients cannot read.
    stamps: { 'k8s.io/component-base/version.gitVersion': 'v1.36.3' },
  },
  { name: 'act', module: 'github.com/nektos/act', version: 'v0.2.82', main: 'github.com/nektos/act' },
  {
    name: 'actionlint',
    module: 'github.com/rhysd/actionlint',
    version: 'v1.7.12',
    main: 'github.com/rhysd/actionlint/cmd/actionlint',
  },
] as const satisfies readonly GoPeer[]

export type GoPeerName = (typeof GO_PEERS)[number]['name']

/** A program that its makers publish, built, as a package of Python. */
export interface PythonPeer {
  readonly name: string
  readonly version: string
  /** Of the files that may be installed, one for each kind of machine. */
  readonly sha256: readonly string[]
}

export const PYTHON_PEERS = [
  {
    name: 'zizmor',
    version: '1.32.0',
    sha256: [
      // x86-64 and arm64, for the C library of GNU
      '84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071',
      '0cdd38fca6eb34ceb567548548d706332e3535ea66894b9168c048e03207b68c',
    ],
  },
] as const satisfies readonly PythonPeer[]

export type PythonPeerName = (typeof PYTHON_PEERS)[number]['name']

/** Programs of the distribution, whose versions are its own, and the Debian package of each. */
export const DEBIAN_PEERS = {
  git: 'git',
  gpg: 'gnupg',
  'ssh-keygen': 'openssh-client',
  minisign: 'minisign',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  docker: 'docker.io',
  dockerd: 'docker.io',
  buildah: 'buildah',
  skopeo: 'skopeo',
  runc: 'runc',
  busybox: 'busybox-static',
  mariadbd: 'mariadb-server',
  'docker-registry': 'docker-registry',
  chromium: 'chromium',
  python3: 'python3',
  shellcheck: 'shellcheck',
} as const satisfies Readonly<Record<string, string>>

export type DebianPeerName = keyof typeof DEBIAN_PEERS
