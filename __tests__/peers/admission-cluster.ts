import { setTimeout as sleep } from 'node:timers/promises'
import { type OwnKubernetes, openKubernetes } from '../../tools/peers/kubernetes.ts'
import { podOf } from '../../tools/peers/kubernetes-client.ts'
import {
  INCLUDED,
  POLICY_WEBHOOK_USER,
  type PolicyWebhook,
  startPolicyWebhook,
} from '../../tools/peers/policy-webhook.ts'
import { privateAuthority } from '../fakes/network.ts'
import { startTrustRoot } from './admission.ts'
import type { TufMirror } from './tuf.ts'
import { openWorld, type World } from './world.ts'

/** A world that signs, and a cluster whose namespace `shop` policy-controller guards. */
export interface GuardedCluster {
  readonly world: World
  readonly kubernetes: OwnKubernetes
  readonly webhook: PolicyWebhook
  readonly root: TufMirror
  /** Creates no pod. @returns why one of this image would be refused; empty: it would not. */
  refusal(image: string): Promise<string>
  /** The controller tells its webhook of a policy a moment after it has taken it in. @throws when that never happens. */
  settled(image: string, policy: string): Promise<void>
  close(): Promise<void>
}

export async function openGuardedCluster(): Promise<GuardedCluster> {
  const opened: { close(): Promise<void> }[] = []
  const opening = async <T extends { close(): Promise<void> }>(promise: Promise<T>): Promise<T> => {
    const one = await promise
    opened.unshift(one)
    return one
  }
  const close = async () => {
    for (const one of opened.splice(0)) await one.close()
  }
  try {
    const world = await opening(openWorld({ tls: await privateAuthority() }))
    const root = await opening(startTrustRoot(world))
    const kubernetes = await opening(openKubernetes([POLICY_WEBHOOK_USER]))
    const webhook = await opening(startPolicyWebhook(kubernetes.workshop, kubernetes))
    await kubernetes.client.createNamespace('shop', INCLUDED)
    const refusal = async (image: string) =>
      (await kubernetes.client.create(podOf('shop', 'dry', image), { dryRun: true })).message
    const settled = async (image: string, policy: string) => {
      let said = ''
      for (let tries = 0; tries < 60; tries++) {
        said = await refusal(image)
        if (refusedBy(said).includes(policy)) return
        await sleep(500)
      }
      throw new Error(`${policy} never came into force: ${said}`)
    }
    return { world, kubernetes, webhook, root, refusal, settled, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** @returns the names of the policies that a refusal is by; of a generated one the item that it is about. */
export function refusedBy(message: string): readonly string[] {
  return [...message.matchAll(/failed policy: ([\w-]+)/g)]
    .map(([, name = '']) => /^waybill-(?:.*-)?(provenance|deploy-verified|quarantined)$/.exec(name)?.[1] ?? name)
    .sort()
}
