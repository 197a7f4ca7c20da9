import { asWaybillError, fail, type WaybillError } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { after } from '../../io/deadline.ts'
import type { HttpStream } from '../../io/http.ts'
import { isTransient } from '../../io/retry.ts'
import type { ByteFacts, Wanted } from '../proof/byte-check.ts'
import { type Address, type DownloadPorts, follow, placeText } from './answer.ts'
import { Part } from './part.ts'
import { steady } from './steady.ts'

export interface Download {
  readonly wanted: Wanted
  /** In the order in which they are asked: the address itself, then its mirrors. */
  readonly addresses: readonly Address[]
  /** Where the bytes go; nothing is there yet. The caller renames it once everything else was right. */
  readonly path: string
}

export interface Downloaded extends ByteFacts {
  /** The address that gave the last byte. */
  readonly from: string
  /** Every host that answered. */
  readonly hosts: readonly string[]
  /** What the addresses before it did wrong. */
  readonly failures: readonly WaybillError[]
}

/**
 * Fetches one file, hashing it while it is written. What broke off is asked for again from where it ended, also from the next
 * mirror; whether the halves fit is known by the digest alone, and if they do not, the mirror is asked for all of it.
 * @throws `materials/other-bytes` when an address gave others than those wanted, or too many, and no other gave the right
 * ones; `materials/fetch-failed` when none could be asked; `materials/deadline`, `materials/out-of-bytes`.
 */
export async function download({ wanted, addresses, path }: Download, ports: DownloadPorts): Promise<Downloaded> {
  const part = await Part.create(path, wanted, ports.budget)
  const hosts = new Set<string>()
  const failures: WaybillError[] = []
  try {
    for (const address of addresses) {
      const facts = await fromAddress(address, { part, ports, hosts, failures })
      if (facts !== undefined) return { ...facts, from: address.url, hosts: [...hosts], failures }
    }
  } finally {
    await part.close()
  }
  throw nobody(wanted.name, failures)
}

interface Attempt {
  readonly part: Part
  readonly ports: DownloadPorts
  readonly hosts: Set<string>
  readonly failures: WaybillError[]
}

/** @returns undefined when this address has nothing to give that is wanted. */
async function fromAddress(address: Address, the: Attempt): Promise<ByteFacts | undefined> {
  const { part, ports, failures } = the
  for (let attempt = 1; ; attempt++) {
    try {
      await pull(address, the)
      return part.end()
    } catch (error) {
      const known = asWaybillError(error)
      requireTime(ports, known)
      // Halves of two answers: either may be the wrong one, so this address gets a chance to give all of it.
      const isOther = known.code === 'materials/other-bytes'
      // What did not arrive may do so a moment later.
      const again = isOther ? part.isPieced : known.code === 'core/unreachable'
      if (isOther) await part.restart()
      if (again && attempt < LIMITS.materialAttempts) {
        await after(ports.timing.pauseMs).reached
        continue
      }
      failures.push(known)
      return undefined
    }
  }
}

/** What ends the whole run is no fault of the address. */
function requireTime({ signal }: DownloadPorts, error: WaybillError): void {
  if (signal?.aborted === true)
    throw fail('materials/deadline', 'The time for fetching the materials is over', { cause: error })
  if (error.code === 'materials/out-of-bytes' || error.code === 'core/file-unwritable') throw error
}

/** One request for all of it, or for what is missing. */
async function pull(address: Address, { part, ports, hosts }: Attempt): Promise<void> {
  const range = part.rangeFor(address.url)
  const { answer, hosts: asked } = await follow(address, range ?? {}, ports)
  for (const host of asked) hosts.add(host)
  try {
    requireUsable(answer, address.url, range !== undefined)
    if (answer.status === 416) {
      await part.restart()
      throw passing(address.url, 'status 416, the rest is not to be had')
    }
    if (answer.status === 206) requireRest(answer, part.size, address.url)
    else if (part.size > 0) await part.restart()
    // Said to be too large is too large: nothing of it is fetched.
    part.requireRoom(Number(answer.headers['content-length'] ?? 0))
    part.begin(address.url, answer.headers.etag)
    for await (const chunk of steady(answer.body, ports.timing, asked.at(-1) ?? '')) await part.add(chunk)
  } finally {
    answer.body.destroy()
  }
}

function requireUsable({ status, headers }: HttpStream, url: string, ranged: boolean): void {
  const accepted = ranged ? [200, 206, 416] : [200]
  if (isTransient(status)) throw passing(url, `status ${status}`)
  if (!accepted.includes(status)) throw refused(url, `status ${status}`, `status ${accepted.join(', ')}`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw refused(url, `content-encoding: ${encoding}`, 'the bytes as they were signed')
}

/** `bytes 100-199/200`: exactly the rest, to the end. RFC 9110 § 14.4 */
function requireRest({ headers }: HttpStream, size: number, url: string): void {
  const [, from, to, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '') ?? []
  const whole = total === '*' || Number(total) === Number(to) + 1
  if (Number(from) === size && whole) return
  throw refused(url, headers['content-range'] ?? 'no content-range', `bytes ${size}- to the end`)
}

function passing(url: string, found: string): WaybillError {
  return fail('core/unreachable', `No usable answer from ${placeText(url)}`, { found })
}

function refused(url: string, found: string, expected: string): WaybillError {
  return fail('materials/fetch-refused', `${placeText(url)} did not give the file`, { expected, found })
}

/** Bytes that are others are told before servers that do not answer: somebody may have tried something. */
function nobody(name: string, failures: readonly WaybillError[]): WaybillError {
  const other = failures.find(({ code }) => code === 'materials/other-bytes')
  if (other !== undefined) return other
  const [only, second] = failures
  const found = failures.map(error => `${error.message}${error.found === undefined ? '' : ` (${error.found})`}`)
  return fail('materials/fetch-failed', `The material ${name} could not be fetched`, {
    expected: 'its bytes, from its address or a mirror',
    found: found.join('; ') || 'no address that may be asked',
    ...(only !== undefined && second === undefined && only.code === 'core/address-refused'
      ? { remedy: only.remedy }
      : {}),
    cause: only,
  })
}
