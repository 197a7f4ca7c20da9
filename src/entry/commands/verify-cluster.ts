import { resolve } from 'node:path'
import { openCluster } from '../../cluster/api.ts'
import { isNamespace } from '../../cluster/kubeconfig.ts'
import { maybe } from '../../core/maybe.ts'
import { clusterImages } from '../gate-cluster.ts'
import { verifyCommand } from '../verify-command.ts'
import { readVerifyWish, VERIFY_OPTIONS, VERIFY_USAGE, type VerifyLine, type VerifyWish } from '../verify-options.ts'
import { type CommandLine, command, noMore, usage } from './command.ts'

export interface VerifyCluster extends VerifyWish {
  /** Absent: that of the context, or `default`. */
  readonly namespace?: string
  readonly allNamespaces: boolean
  readonly kubeconfig?: string
  readonly context?: string
  readonly plugins: boolean
  readonly pass: readonly string[]
}

const CLUSTER_OPTIONS = {
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'no-exec': { type: 'boolean' },
  'exec-env': { type: 'string', multiple: true },
} as const

const OPTIONS = { ...VERIFY_OPTIONS, ...CLUSTER_OPTIONS } as const

type ClusterLine = CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>

export const verifyClusterCommand = command({
  words: 'verify cluster',
  synopsis: 'verify cluster [--namespace NS | --all-namespaces] (--policy FILE | flags that say who is expected)',
  usage: `waybill verify cluster – every image that runs in a cluster, by the digest that the nodes tell

  waybill verify cluster [--namespace NS | --all-namespaces] (--policy FILE | flags that say who is expected)

Containers, init and ephemeral containers, static pods and image volumes; an image that is another than the specification
names by digest is rejected. With a policy it is judged at --stage run. A list that cannot be read to its end is unknown.

Which cluster:
  -n, --namespace NS                  one namespace (default: that of the context, or default)
  -A, --all-namespaces                all of them
  --kubeconfig FILE                   default: KUBECONFIG, ~/.kube/config, the service account of a pod
  --context NAME                      default: the current one of the kubeconfig
  --no-exec                           refuse a kubeconfig that logs in by a program of its own
  --exec-env NAME                     a variable that this program may see; without it PATH, HOME and what the
                                        kubeconfig sets (may be repeated)

${VERIFY_USAGE}
Example:
  waybill verify cluster --namespace shop --policy .github/waybill.yml
`,
  options: OPTIONS,
  read: readVerifyCluster,
  run: async (wish, desk) => {
    const { world, env } = desk
    const { kubeconfig, context, plugins, pass } = wish
    const cluster = await openCluster({
      ...(kubeconfig === undefined ? {} : { file: resolve(world.workingFolder, kubeconfig) }),
      ...maybe('context', context),
      env,
      plugins,
      pass,
      workingFolder: world.workingFolder,
    })
    const namespace = wish.allNamespaces ? undefined : (wish.namespace ?? cluster.namespace ?? 'default')
    const named = await clusterImages(cluster, namespace).finally(() => cluster.close())
    return verifyCommand('verify cluster', wish, { named }, desk)
  },
})

/** Tokens of the runner would let whoever has them sign and publish as this very run. */
const NEVER = /^(?:ACTIONS_|GITHUB_TOKEN$|INPUT_)/

/** @throws `entry/usage` for what says two things, and for what no cluster can be asked. */
function readVerifyCluster(line: ClusterLine): VerifyCluster {
  const { values, references } = line
  noMore(references, 'verify cluster')
  const { namespace, 'all-namespaces': all = false, kubeconfig, context } = values
  if (namespace !== undefined && all)
    throw usage('--namespace and --all-namespaces name two things', 'one of them', 'both')
  if (namespace !== undefined && !isNamespace(namespace))
    throw usage('That is not the name of a namespace', 'at most 63 lower-case letters, digits and dashes', namespace)
  const pass = values['exec-env'] ?? []
  const secret = pass.find(name => NEVER.test(name))
  if (secret !== undefined) throw usage('No program gets what lets it speak for this run', 'another variable', secret)
  refuseImpossible(values)
  return {
    ...readVerifyWish(line satisfies VerifyLine),
    // Flags cannot say what must hold where something runs; a policy can.
    ...(values.stage === undefined && values.policy !== undefined ? { stage: 'run' } : {}),
    ...maybe('namespace', namespace),
    allNamespaces: all,
    ...maybe('kubeconfig', kubeconfig),
    ...maybe('context', context),
    plugins: values['no-exec'] !== true,
    pass,
  }
}

/** A cluster is a server, and what it runs stands in no file. */
function refuseImpossible(values: ClusterLine['values']): void {
  const found = (['offline', 'replay', 'pin'] as const).find(name => values[name] !== undefined)
  if (found === undefined) return
  const instead = found === 'pin' ? 'waybill verify manifest --pin' : 'waybill verify image REFERENCE@DIGEST'
  throw usage(`What runs in a cluster is asked of its server, and written nowhere: --${found} has no meaning`, instead)
}
