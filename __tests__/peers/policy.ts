import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished } from '../fakes/scenario.ts'
import { startTufMirror, type TufMirror } from './tuf.ts'
import type { Expected, World } from './world.ts'

const TRUST_ROOT = 'waybill-test'

/** Offers a `trusted_root.json` as policy-controller wants it. */
export function startTrustRoot(file: string): Promise<TufMirror> {
  return startTufMirror('', readFileSync(file))
}

/** Judges an image as policy-controller would at admission, by the program that its makers give for that. */
export function policyTester(world: World, image: string, wanted: Expected, root: TufMirror): Promise<Finished> {
  const { peers, folder, buildkit } = world.stack
  const write = (content: object): string => {
    const path = join(folder, `${randomUUID()}.json`)
    writeFileSync(path, JSON.stringify(content))
    return path
  }
  const args = [`-policy=${write(imagePolicy(wanted))}`, `-trustroot=${write(trustRoot(root))}`, `-image=${image}`]
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
          },
          ctlog: { trustRootRef: TRUST_ROOT },
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
 * A trust root by TUF, the only form in which the program takes logs: from keys given one by one it makes logs whose id is
 * hexadecimal text, and finds no entry of theirs. It asks for a target without a name where policy-controller asks for
 * `trusted_root.json`, so the mirror has one.
 */
function trustRoot({ url, root }: TufMirror): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1alpha1',
    kind: 'TrustRoot',
    metadata: { name: TRUST_ROOT },
    spec: { remote: { mirror: url, root: root.toString('base64') } },
  }
}
