import { readFileSync } from 'node:fs'
import type { Digest } from '../../src/core/digest.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { ClaimOverrides } from '../fakes/claims.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { attestedBundle } from './attested.ts'
import { BUILDING, type RelayWorld } from './relay-world.ts'
import { attachAll, clientFor, pinned, pushStranger } from './world.ts'

const SUMMARY = 'https://slsa.dev/verification_summary/v1'

interface Statement {
  readonly type: string
  readonly about: string
  readonly predicate: JsonObject
  readonly bytes: Buffer
}

type Replaced = Readonly<Record<string, string>>

/** What is different in the evidence of another image. */
export interface Forged {
  /** Types of what is not there. */
  readonly without?: readonly string[]
  /** Of the run that says everything about the image. */
  readonly claims?: ClaimOverrides
  /** Of the run that deploys it; absent: nobody did. */
  readonly deployer?: ClaimOverrides
  /** Text in what the build says → what stands there instead. */
  readonly built?: Replaced
  /** Text in the deploy summary → what stands there instead. */
  readonly deployed?: Replaced
}

/**
 * Somebody who holds an identity and may push: another image, with the evidence of the real one told again about it, and one thing
 * different. What he signs is signed by the real authority.
 */
export class RelayForger {
  readonly #on: RelayWorld
  readonly #real: readonly Statement[]
  readonly #sha: string
  #summary: Statement | undefined

  constructor(on: RelayWorld, attested: StepResult) {
    this.#on = on
    this.#sha = on.main
    this.#real = (attested.outputs.bundles ?? '').split('\n').map(statementOf)
  }

  /** The deploy summary of the real image. */
  set deployed(bundle: string) {
    this.#summary = statementOf(bundle)
  }

  async image(name: string, forged: Forged = {}): Promise<{ readonly image: string; readonly digest: Digest }> {
    const { world, image: repository } = this.#on
    const digest = await pushStranger(world, 'referrers', repository, name)
    const { without = [], claims = {}, deployer } = forged
    const builder = { sha: this.#sha, ...BUILDING, ...claims }
    const bundles: { bytes: Buffer; predicateType: string }[] = []
    for (const statement of this.#real) {
      const { type, about, bytes } = statement
      if (without.includes(type)) continue
      bundles.push({
        predicateType: type,
        // What is about the commit is as true of this image.
        bytes: about === 'gitCommit' ? bytes : await this.#sign(statement, digest, builder, forged.built),
      })
    }
    if (deployer !== undefined && this.#summary !== undefined)
      bundles.push({
        predicateType: SUMMARY,
        bytes: await this.#sign(this.#summary, digest, { sha: this.#sha, ...deployer }, forged.deployed),
      })
    const { client, close } = clientFor('referrers')
    try {
      if (bundles.length > 0) await attachAll(client, repository, digest, bundles)
    } finally {
      close()
    }
    return { digest, image: pinned(repository, digest) }
  }

  #sign(
    { type, predicate }: Statement,
    digest: Digest,
    claims: ClaimOverrides,
    replaced: Replaced = {},
  ): Promise<Buffer> {
    let text = JSON.stringify(predicate)
    for (const [from, to] of Object.entries(replaced)) text = text.replaceAll(from, to)
    return attestedBundle(this.#on.world, {
      claims,
      timestamped: true,
      subjects: [{ name: this.#on.image, digest }],
      predicate: { type, params: JSON.parse(text) as object },
    })
  }
}

function statementOf(bundle: string): Statement {
  const bytes = readFileSync(bundle)
  const { dsseEnvelope } = JSON.parse(bytes.toString('utf8')) as { dsseEnvelope: { payload: string } }
  const { predicateType, predicate, subject } = JSON.parse(
    Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8'),
  ) as {
    predicateType: string
    predicate: JsonObject
    subject: readonly { digest: Record<string, string> }[]
  }
  const [about = ''] = Object.keys(subject[0]?.digest ?? {})
  return { type: predicateType, about, predicate, bytes }
}
