import { join, resolve } from 'node:path'
import { type Digest, sha256 } from '../core/digest.ts'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { writeFileAtomic } from '../io/files.ts'
import { readStateFolder } from '../io/state-folder.ts'
import { deploy } from '../pipeline/deploy.ts'
import type {
  DeployJudged,
  DeployPorts,
  DeployRequest,
  DeploySigner,
  DeployUnit,
  ReadBack,
} from '../pipeline/deploy-request.ts'
import type { ImageSubjectRequest, JudgedSubject } from '../pipeline/verify-request.ts'
import { type Expectation, expectationFor } from '../policy/gate.ts'
import { formatReference, type Repository, repositoryIn, repositoryOf } from '../registry/reference.ts'
import type { Receipt } from '../report/receipt.ts'
import { isDeploySummary } from '../statements/deploy-vsa.ts'
import { DeployFiles } from './deploy-files.ts'
import { planDeploy } from './deploy-plan.ts'
import { deployPolicies } from './deploy-policies.ts'
import type { DeployResult, DeployWish, DeployWorld } from './deploy-wish.ts'
import { type GateOptions, type GateResult, runGate } from './gate.ts'
import { afterGate, type QuarantineHands } from './gate-after.ts'
import { clientsOf } from './gate-evidence.ts'
import { verifiers } from './gate-trust.ts'
import { keepIn } from './quarantine-signer.ts'
import { WAYBILL_VERSION } from './version.ts'

/** @throws nothing that happens after the first stage began: that stands in the receipt. */
export async function runDeploy(wish: DeployWish, world: DeployWorld): Promise<DeployResult> {
  const { digest } = wish.policy.receipt
  if (digest === undefined) throw fail('core/internal', 'A policy without a digest')
  const request: DeployRequest = {
    command: 'deploy',
    waybillVersion: WAYBILL_VERSION,
    environment: wish.environment,
    policy: { ...wish.policy.receipt, digest },
    promote: wish.promote,
  }
  const run = new DeployRun(wish, world)
  const outcome = await deploy(request, run.ports())
  const receipt = { ...outcome.receipt, ...(world.run === undefined ? {} : { run: world.run }) }
  const told = await run.afterwards(receipt)
  if (outcome.deployed === undefined)
    return {
      receipt: told,
      manifests: [],
      policies: [],
      vsa: [],
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    }
  const written = await run.files.write(outcome.deployed, told, request)
  const pinned = written.pinned.length === 0 ? {} : { pinned: written.pinned }
  return { ...written, receipt: { ...told, ...pinned } }
}

/** One deploy: the gate's runs and what they found. */
class DeployRun {
  readonly files: DeployFiles
  readonly #wish: DeployWish
  readonly #world: DeployWorld
  readonly #results: GateResult[] = []
  #signer: Promise<DeploySigner> | undefined

  constructor(wish: DeployWish, world: DeployWorld) {
    this.#wish = wish
    this.#world = world
    this.files = new DeployFiles(wish)
  }

  ports(): DeployPorts {
    const { output } = this.#wish
    return {
      preflight: () => this.#preflight(),
      judge: () => this.#judge(this.#named(), {}),
      judgeCopy: (unit, to) => this.#judgeCopy(unit, to),
      prepare: async (judged, deployer) => this.files.prepare(judged, deployer),
      readBack: (units, bundles) => this.#readBack(units, bundles),
      verifier: async expectation => (await verifiers(this.#options('run', this.#named())))(expectation, 'image'),
      state: async () => (await readStateFolder(join(output, 'bundles'), STATE_BOUNDS)).files.map(({ bytes }) => bytes),
      keep: async (name, bytes) => {
        const path = join(output, name)
        await writeFileAtomic(path, bytes)
        return path
      },
      now: () => new Date(),
      clock: () => performance.now(),
      progress: line => this.#world.progress(line),
    }
  }

  /** Quarantine and events, as after every gate (7-verify-deploy § 2); of what was rejected, in whichever of its runs. */
  async afterwards(receipt: Receipt): Promise<Receipt> {
    const { quarantine, quarantineDirectory, events } = this.#wish
    const result = {
      receipt,
      files: new Map(this.#results.flatMap(({ files }) => [...files])),
      rejected: new Map(this.#results.flatMap(({ rejected }) => [...rejected])),
    }
    const signs = quarantine === 'attest' || quarantine === 'retag'
    return afterGate(result, {
      quarantine,
      quarantineDirectory,
      ...(events === undefined ? {} : { events }),
      ...(signs && this.#signer !== undefined ? { hands: this.#hands(this.#signer) } : {}),
      folder: this.#world.folder,
      now: new Date(),
    })
  }

  /** Records are signed by the hand that would have signed the summary: one identity, one certificate. */
  #hands(signer: Promise<DeploySigner>): QuarantineHands {
    const { filesRepository, quarantineDirectory } = this.#wish
    return {
      signer: async () => (await signer).hand(),
      keep: keepIn(resolve(this.#world.folder, quarantineDirectory)),
      clientFor: clientsOf(this.#world),
      ...(filesRepository === undefined ? {} : { filesRepository: repositoryIn(filesRepository) }),
    }
  }

  async #preflight(): Promise<DeploySigner> {
    const { policy, policies } = this.#wish
    const plan = await planDeploy(this.#wish, this.#world.folder)
    this.files.policies = await deployPolicies(policies, policy, this.#world.cacheFolder)
    this.#signer = this.#world.signer()
    const signer = await this.#signer
    const clientFor = clientsOf(this.#world)
    for (const { repository, origin, expectation } of plan.writable)
      await clientFor(origin, expectation).checkPush(repository)
    return signer
  }

  #named(): GateOptions['subjects'] {
    const { images, files, named } = this.#wish
    return { images, files, named: named.subjects, unreadable: named.unreadable, folder: this.#world.folder }
  }

  #options(stage: GateOptions['stage'], subjects: GateOptions['subjects']): GateOptions {
    const { policy, bundleFiles, filesRepository } = this.#wish
    const { http, credentials, insecureRegistries, cacheFolder, store } = this.#world
    return {
      command: 'deploy',
      subjects,
      policy,
      flags: {},
      stage,
      bundleFiles,
      ...(filesRepository === undefined ? {} : { filesRepository }),
      offline: false,
      http,
      credentials,
      insecureRegistries,
      cacheFolder,
      now: new Date(),
      ...(store === undefined ? {} : { store }),
    }
  }

  async #judge(subjects: GateOptions['subjects'], more: Partial<GateOptions>): Promise<DeployJudged> {
    const passed: JudgedSubject[] = []
    const judged = (subject: JudgedSubject): void => {
      if (subject.receipt.verdict === 'passed') passed.push({ ...subject, bundles: summariesIn(subject) })
    }
    const result = await runGate({ ...this.#options('deploy', subjects), judged, ...more })
    this.#results.push(result)
    return { receipt: result.receipt, units: passed.map(subject => this.#unit(subject)) }
  }

  #unit({ subject, matched, statements, bundles }: JudgedSubject): DeployUnit {
    const expectation = this.#atRun(subject)
    const { resource = '' } = expectation
    const known = bundles.flatMap(({ bytes }) => {
      const signed = statements.find(({ bundle }) => bundle === sha256(bytes))
      return signed === undefined ? [] : [{ bytes, signed }]
    })
    const unit = { resource, digest: subject.digest, expectation, proofs: matched, known }
    const clientFor = clientsOf(this.#world)
    if (subject.kind === 'image') {
      const { reference, origin } = subject
      const registry = clientFor(origin, expectation)
      return { ...unit, image: { registry, repository: repositoryOf(reference), origin } }
    }
    const { filesRepository } = this.#wish
    if (filesRepository === undefined) return { ...unit, file: { path: subject.path } }
    const store = {
      registry: clientFor('typed', expectation),
      repository: repositoryIn(filesRepository),
    }
    return { ...unit, file: { path: subject.path, store } }
  }

  #atRun(subject: JudgedSubject['subject']): Expectation {
    const { law, receipt } = this.#wish.policy
    const { uri, digest } = receipt
    const target = subject.kind === 'image' ? subject.reference.canonical : { file: subject.name }
    return expectationFor(law.policy, target, {
      stage: 'run',
      policy: { uri, ...(digest === undefined ? {} : { digest }) },
    })
  }

  async #judgeCopy(unit: DeployUnit, to: Repository): Promise<DeployJudged> {
    const { image, digest } = unit
    if (image === undefined) throw fail('core/internal', 'A file cannot be copied as an image')
    const subject = byDigest(to, digest, image.origin)
    const copied = new Map([[formatReference(to), image.repository]])
    const { receipt, units } = await this.#judge({ ...this.#nothing(), named: [subject] }, { copied })
    const registry = clientsOf(this.#world)('typed', unit.expectation)
    const from = { registry: image.registry, repository: image.repository }
    return {
      receipt,
      units: units.map(copy => ({ ...copy, image: { registry, repository: to, origin: 'typed', from } })),
    }
  }

  #nothing(): GateOptions['subjects'] {
    return { images: [], files: [], named: [], unreadable: [], folder: this.#world.folder }
  }

  /**
   * What a cluster would find: by digest, from the registries' own bytes and nothing that lies on this machine; of files from what
   * was kept, for of them nobody has more.
   */
  async #readBack(units: readonly DeployUnit[], bundles: readonly string[]): Promise<readonly ReadBack[]> {
    const images = units.flatMap(({ image, digest }) =>
      image === undefined ? [] : [byDigest(image.repository, digest, image.origin)],
    )
    const files = units.flatMap(({ file, resource }) => (file === undefined ? [] : [resource.slice('file:'.length)]))
    const found = new Map<string, ReadonlySet<Digest>>()
    const judged = ({ subject, expectation, statements }: JudgedSubject): void => {
      found.set(`${expectation.resource}@${subject.digest}`, new Set(statements.map(({ bundle }) => bundle)))
    }
    const judge = async (given: Partial<GateOptions['subjects']>, bundleFiles: readonly string[]) => {
      const options = this.#options('run', { ...this.#nothing(), ...given })
      return (await runGate({ ...options, bundleFiles, judged })).receipt.subjects
    }
    const subjects = [
      ...(images.length === 0 ? [] : await judge({ named: images }, [])),
      ...(files.length === 0 ? [] : await judge({ files }, [...this.#wish.bundleFiles, ...bundles])),
    ]
    return units.flatMap((unit): readonly ReadBack[] => {
      const { resource, digest, image } = unit
      const name =
        image === undefined ? resource.slice('file:'.length) : `${formatReference(image.repository)}@${digest}`
      const told = subjects.find(subject => subject.name === name)
      if (told === undefined || told.verdict === 'not-asked') return []
      const { verdict, findings } = told
      return [{ resource, digest, verdict, findings, bundles: found.get(`${resource}@${digest}`) ?? new Set() }]
    })
  }
}

const STATE_BOUNDS = {
  files: LIMITS.subjectBundles,
  fileBytes: LIMITS.bundleBytes,
  totalBytes: LIMITS.subjectBundleBytes,
}

/** Bytes of everything that was read would be the memory of a whole cluster. */
function summariesIn({ bundles, statements }: JudgedSubject): JudgedSubject['bundles'] {
  const wanted = new Set(statements.filter(({ statement }) => isDeploySummary(statement)).map(({ bundle }) => bundle))
  return wanted.size === 0 ? [] : bundles.filter(({ bytes }) => wanted.has(sha256(bytes)))
}

function byDigest(repository: Repository, digest: Digest, origin: ImageSubjectRequest['origin']): ImageSubjectRequest {
  const reference = { ...repository, canonical: formatReference(repository), digest }
  return { kind: 'image', reference, origin, certain: true, places: [] }
}
