import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished } from '../fakes/scenario.ts'
import type { Expected, World } from './world.ts'

const TRUST_ROOT = 'waybill-test'

/**
 * Judges an image as policy-controller would at admission, by the program that its makers give for that.
 * @param root certificates of the authority to trust; default: the stack's Fulcio.
 */
export function policyTester(
  world: World,
  image: string,
  wanted: Expected,
  root = world.stack.fulcio.chainFile,
): Promise<Finished> {
  const { peers, folder, buildkit } = world.stack
  const write = (content: object): string => {
    const path = join(folder, `${randomUUID()}.json`)
    writeFileSync(path, JSON.stringify(content))
    return path
  }
  const args = [
    `-policy=${write(imagePolicy(wanted))}`,
    `-trustroot=${write(trustRoot(world, root))}`,
    `-image=${image}`,
  ]
  const env = { PATH: process.env.PATH ?? '', HOME: folder, DOCKER_CONFIG: buildkit.dockerConfig }
  return new Promise(resolve => {
    const child = execFile(peers.go['policy-tester'], args, { env, timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, log: `${stdout}${stderr}`, stdout }),
    )
  })
}

/** What an operator writes: provenance by this signer and, since several repositories may share a signer, of this one. */
function imagePolicy({ identity, issuer, repository }: Expected): object {
  const condition = { predicate: { buildDefinition: { externalParameters: { workflow: { repository } } } } }
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'built-by-waybill' },
    spec: {
      images: [{ glob: '**' }],
      authorities: [
        {
          name: 'waybill',
          signatureFormat: 'bundle',
          keyless: {
            identities: [{ issuer, subject: identity }],
            trustRootRef: TRUST_ROOT,
            insecureIgnoreSCT: true,
          },
          rfc3161timestamp: { trustRootRef: TRUST_ROOT },
          attestations: [
            {
              name: 'provenance',
              predicateType: 'https://slsa.dev/provenance/v1',
              ...(repository === undefined ? {} : { policy: { type: 'cue', data: JSON.stringify(condition) } }),
            },
          ],
        },
      ],
    },
  }
}

/**
 * The stack's certificate and timestamp authorities. Logs cannot be given: the program makes of a log in a TrustRoot one
 * without a validity period, and its own verifier of bundles refuses to read that. So it checks certificate chain, time,
 * identity, signature, digest and condition, and no log; cosign checks the logs.
 */
function trustRoot({ stack }: World, root: string): object {
  const authority = (uri: string, file: string) => ({
    subject: { organization: 'waybill.test', commonName: 'root' },
    uri,
    certChain: readFileSync(file).toString('base64'),
  })
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'TrustRoot',
    metadata: { name: TRUST_ROOT },
    spec: {
      sigstoreKeys: {
        certificateAuthorities: [authority(stack.fulcio.url, root)],
        timestampAuthorities: [authority(stack.timestamp.url, stack.timestamp.chainFile)],
      },
    },
  }
}
