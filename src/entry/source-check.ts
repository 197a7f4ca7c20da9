import { join, resolve } from 'node:path'
import type { CommitId } from '../core/digest.ts'
import type { ErrorKind } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import { makeFolder, readFileBounded } from '../io/files.ts'
import { HttpClient } from '../io/http.ts'
import { findTool } from '../io/process.ts'
import { type CheckPorts, type CheckRequest, checkSource } from '../pipeline/source-check.ts'
import { checkReceipt } from '../pipeline/source-check-receipt.ts'
import type { Receipt } from '../report/receipt.ts'
import { loadTrust } from '../sigstore/trust/load.ts'
import { Clone, OFFLINE } from '../source/clone.ts'
import { checkWith, newTally } from '../source/cross-check.ts'
import { type History, openHistory } from '../source/git.ts'
import { NativeEngine } from '../source/native-engine.ts'
import { readRange, rootOf } from './clone-names.ts'
import { originOf, platformOf } from './clone-platform.ts'
import type { Desk } from './commands/command.ts'
import type { SourceCheck } from './commands/source-check.ts'
import { policyFile } from './policy-file.ts'
import { tufCacheOf } from './tuf-cache.ts'
import { requireGit } from './workspace.ts'

/** `error`: a law that this version cannot judge is a matter of configuration, whatever the verdict. */
export interface CheckedRun {
  readonly receipt: Receipt
  readonly error?: ErrorKind
}

/**
 * Judges a range of a clone. Names are looked up in the clone, and everything that is judged is read through a private copy.
 * @param work a private folder. @throws everything that stops the judging.
 */
export async function runSourceCheck(
  wish: SourceCheck,
  { world, env, progress }: Desk,
  work: string,
): Promise<CheckedRun> {
  const git = requireGit(env)
  const clone = new Clone(git, resolve(world.workingFolder, wish.repo), env, OFFLINE)
  const root = await rootOf(clone)
  const range = await readRange(wish, clone)
  const policy = wish.policy === undefined ? undefined : await policyFile(wish.policy, world.workingFolder)
  const explain = wish.explain === undefined ? undefined : await clone.commit(wish.explain)
  const { refReason, ...where } = range
  const request: CheckRequest = {
    ...where,
    ...(policy === undefined ? {} : { law: policy.law }),
    ...(explain === undefined ? {} : { explain }),
  }
  const http = lazily(() => new HttpClient())
  progress?.({ kind: 'begun', what: 'reading the clone' })
  const history = await openClone({ git, root, work, range: request, env })
  try {
    const origin = await originOf(clone)
    const platform = await platformOf(origin, env, http.get, wish.offline)
    const engine = await engineOf(wish, env, work)
    const started = performance.now()
    progress?.({ kind: 'begun', what: 'judging' })
    const checked = await checkSource(request, {
      history,
      now: new Date(),
      // Where nobody can be asked, no verdict rests on what was not asked (1-product § 5).
      ...(platform.silent === undefined ? {} : { reviews: 'show' as const }),
      ...(platform.silent !== undefined || platform.repositoryId === undefined
        ? {}
        : { repositoryId: platform.repositoryId }),
      ...(platform.silent === undefined ? { platform: platform.port } : {}),
      ...trustOf(wish, { world, env }),
      ...(engine === undefined ? {} : { check: engine.check }),
      ...(progress === undefined ? {} : { progress }),
    })
    const receipt = checkReceipt(request, checked, {
      repository: origin ?? printable(wish.repo),
      refReason,
      ...(policy === undefined ? {} : { policyUri: policy.receipt.uri }),
      ...(platform.silent === undefined ? {} : { platformSilent: platform.silent }),
      ...(engine === undefined ? {} : { engine }),
      ms: performance.now() - started,
    })
    const unsupported = checked.judgement.unsupported
    return { receipt, ...(unsupported === undefined ? {} : { error: unsupported.kind }) }
  } finally {
    await history.close()
    http.made?.close()
  }
}

interface Opening {
  readonly git: string
  readonly root: string
  readonly work: string
  readonly range: Pick<CheckRequest, 'head' | 'base' | 'anchor'>
  readonly env: Desk['env']
}

function openClone({ git, root, work, range: { head, base, anchor }, env }: Opening): Promise<History> {
  const also = [base, anchor].filter((id): id is CommitId => id !== undefined)
  const deadline = new Date(Date.now() + LIMITS.sourceStageMs)
  return openHistory({ git, folder: join(work, 'git'), url: root, localPath: true, env, head, also, deadline })
}

function trustOf({ trustedRoot, offline }: SourceCheck, { world, env }: Desk): Pick<CheckPorts, 'sigstoreTrust'> {
  if (trustedRoot === undefined && offline) return {}
  const cacheFolder = tufCacheOf(env, world.workingFolder)
  const load = async () => {
    if (trustedRoot === undefined) return loadTrust({ tuf: 'public-good', cacheFolder })
    const file = resolve(world.workingFolder, trustedRoot)
    return loadTrust({ trustedRootFile: await readFileBounded(file, LIMITS.serviceAnswerBytes) })
  }
  const trust = lazily(load)
  return { sigstoreTrust: trust.get }
}

async function engineOf({ engine: choice }: SourceCheck, env: Desk['env'], work: string) {
  if (choice === 'js') return undefined
  const folder = join(work, 'engine')
  await makeFolder(folder)
  const [gpg, sshKeygen] = [findTool('gpg', env.PATH ?? ''), findTool('ssh-keygen', env.PATH ?? '')]
  const tools = { ...(gpg === undefined ? {} : { gpg }), ...(sshKeygen === undefined ? {} : { sshKeygen }) }
  const tally = newTally()
  return { choice, tally, check: checkWith(new NativeEngine(folder, tools), choice, tally) }
}

function lazily<T>(make: () => T): { readonly get: () => T; readonly made: T | undefined } {
  let made: T | undefined
  return {
    get: () => {
      made ??= make()
      return made
    },
    get made() {
      return made
    },
  }
}
