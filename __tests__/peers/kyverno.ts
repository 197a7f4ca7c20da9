import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { imageValidatingPolicies } from '../../src/admission/kyverno.ts'
import type { KyvernoTrust } from '../../src/admission/kyverno-attestor.ts'
import type { Admission, AdmissionFile } from '../../src/admission/link.ts'
import { Matrix } from './matrix.ts'
import { startTufMirror } from './tuf.ts'
import { openWorld, type World } from './world.ts'

/** How rules name the trust root of the stack. */
export const ROOT = 'trusted_root.json'

export const ADMITTED = /^pass: success$/

export interface KyvernoBench {
  readonly world: World
  /** The stack's trust root, in a TUF repository as Kyverno asks for one. */
  readonly trust: ReadonlyMap<string, KyvernoTrust>
  /**
   * The one result there must be, and its message. What could not be evaluated is `error`, and never taken for a refusal.
   * @param trust instead of the stack's.
   */
  judged(row: string, asked: Admission, images: PodImages, trust?: ReadonlyMap<string, KyvernoTrust>): Promise<string>
  /** Serves another trust root. */
  serve(root: Buffer): Promise<KyvernoTrust>
  close(): Promise<void>
}

export async function openKyverno(name: string): Promise<KyvernoBench> {
  const matrix = new Matrix(name)
  const world = await openWorld()
  const closers: (() => Promise<void>)[] = []
  const serve = async (content: Buffer): Promise<KyvernoTrust> => {
    const mirror = await startTufMirror(ROOT, content)
    closers.push(() => mirror.close())
    return { tuf: { mirror: mirror.url, root: mirror.root } }
  }
  const own = new Map([[ROOT, await serve(readFileSync(world.stack.trustedRootFile))]])
  return {
    world,
    trust: own,
    serve,
    judged: async (row, asked, images, trust = own) => {
      const files = imageValidatingPolicies(asked, { header: ['A test wrote this.'], trust })
      const { counts, message } = await kyvernoApply(world, files, podOf(images))
      const results = Object.entries(counts).filter(([, count]) => count > 0)
      matrix.record(`${row} (${message})`, Object.fromEntries(results))
      return `${results.map(([result, count]) => (count === 1 ? result : `${count} ${result}`)).join(' and ')}: ${message}`
    },
    close: async () => {
      matrix.write()
      for (const close of closers) await close()
      await world.close()
    },
  }
}

/** What Kyverno says of one pod under one policy. Only `pass` admits; an `error` was never a judgement. */
export interface KyvernoVerdict {
  readonly counts: Readonly<Record<'pass' | 'fail' | 'warn' | 'error' | 'skip', number>>
  /** Of the policy's result, when it failed or could not be evaluated. */
  readonly message: string
  readonly log: string
}

/** Judges a pod by the program that Kyverno's makers give for that: engine, CEL and cosign are those of its controller. */
export async function kyvernoApply(
  world: World,
  policies: readonly AdmissionFile[],
  pod: object,
): Promise<KyvernoVerdict> {
  const folder = join(world.stack.folder, `kyverno-${randomUUID()}`)
  mkdirSync(folder)
  const written = policies.map(({ name, text }) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  })
  const resource = join(folder, 'pod.yaml')
  writeFileSync(resource, stringify(pod))
  const args = ['apply', ...written, `--resource=${resource}`, '--registry', '--policy-report', '--output-format=json']
  const { stdout, log } = await run(world, folder, args)
  const report = stdout.split('\n').find(line => line.startsWith('{'))
  if (report === undefined) throw new Error(`Kyverno gave no report: ${log}`)
  const { summary, results = [] } = JSON.parse(report) as Report
  return { counts: summary, message: results.map(({ message = '' }) => message).join('; '), log }
}

interface Report {
  readonly summary: KyvernoVerdict['counts']
  readonly results?: readonly { readonly message?: string }[]
}

/** Its own home: keys of one TUF repository must not answer for another. */
function run(world: World, home: string, args: readonly string[]): Promise<{ stdout: string; log: string }> {
  const { peers, buildkit } = world.stack
  const env = { PATH: process.env.PATH ?? '', HOME: home, DOCKER_CONFIG: buildkit.dockerConfig }
  return new Promise(resolve =>
    execFile(peers.go.kyverno, [...args], { env, timeout: 120_000 }, (_, stdout, stderr) =>
      resolve({ stdout, log: `${stdout}${stderr}` }),
    ),
  )
}

export interface PodImages {
  readonly containers: readonly string[]
  readonly initContainers?: readonly string[]
  readonly ephemeralContainers?: readonly string[]
  readonly volumes?: readonly string[]
}

export function podOf({ containers, initContainers = [], ephemeralContainers = [], volumes = [] }: PodImages): object {
  const named = (images: readonly string[], kind: string) =>
    images.map((image, at) => ({ name: `${kind}${at}`, image }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', namespace: 'default' },
    spec: {
      containers: named(containers, 'c'),
      ...(initContainers.length === 0 ? {} : { initContainers: named(initContainers, 'i') }),
      ...(ephemeralContainers.length === 0 ? {} : { ephemeralContainers: named(ephemeralContainers, 'e') }),
      ...(volumes.length === 0
        ? {}
        : {
            volumes: volumes.map((reference, at) => ({
              name: `v${at}`,
              image: { reference, pullPolicy: 'IfNotPresent' },
            })),
          }),
    },
  }
}
