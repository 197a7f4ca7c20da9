import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Kind of key → how many signatures by it. */
export type Signatures = Readonly<Partial<Record<'rsa4096' | 'ed25519', number>>>

export const CORES = availableParallelism()

/**
 * What no program could go below: the signatures alone, parsed already, checked by `crypto.verify` on every core at once.
 * @returns milliseconds.
 */
export async function verifyLimit(signatures: Signatures): Promise<number> {
  const share = Object.fromEntries(Object.entries(signatures).map(([kind, count]) => [kind, Math.ceil(count / CORES)]))
  const workers = Array.from({ length: CORES }, () => new Worker(new URL(import.meta.url), { workerData: { share } }))
  await Promise.all(workers.map(answerOf))
  const started = performance.now()
  const ends = Promise.all(workers.map(answerOf))
  for (const worker of workers) worker.postMessage('start')
  await ends
  const ms = performance.now() - started
  await Promise.all(workers.map(worker => worker.terminate()))
  return ms
}

function answerOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

function prepare(share: Signatures): () => void {
  const data = Buffer.alloc(400, 1)
  const jobs = Object.entries(share).map(([kind, count]) => {
    const rsa = kind === 'rsa4096'
    const pair = rsa ? generateKeyPairSync('rsa', { modulusLength: 4096 }) : generateKeyPairSync('ed25519')
    const hash = rsa ? 'sha512' : null
    return { hash, count, key: pair.publicKey, signature: sign(hash, data, pair.privateKey) }
  })
  return () => {
    for (const { hash, count, key, signature } of jobs)
      for (let i = 0; i < count; i++)
        if (!verify(hash, data, key, signature)) throw new Error('a good signature failed')
  }
}

if (!isMainThread) {
  const act = prepare((workerData as { share: Signatures }).share)
  parentPort?.once('message', () => {
    act()
    parentPort?.postMessage('done')
  })
  parentPort?.postMessage('ready')
}
