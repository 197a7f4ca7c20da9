import { asWaybillError, fail } from '../../core/error.ts'
import { LIMITS } from '../../core/limits.ts'
import { after } from '../../io/deadline.ts'
import { readBounded } from '../../io/http.ts'
import { isTransient } from '../../io/retry.ts'
import { type Address, type DownloadPorts, follow, placeText } from './answer.ts'

/**
 * A small file that lies beside a material: a signature, a bundle, a list of checksums.
 * @param maxBytes at most; anything larger is refused.
 * @throws `materials/beside-missing` when its server says that there is none, `materials/fetch-refused`, `core/unreachable`,
 * `core/answer-too-large`, `materials/deadline`
 */
export async function fetchBeside(address: Address, maxBytes: number, ports: DownloadPorts): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(address, maxBytes, ports)
    } catch (error) {
      const known = asWaybillError(error)
      if (ports.signal?.aborted === true)
        throw fail('materials/deadline', 'The time for fetching the materials is over', { cause: known })
      if (known.code !== 'core/unreachable' || attempt >= LIMITS.materialAttempts) throw known
      await after(ports.timing.pauseMs).reached
    }
  }
}

async function once(address: Address, maxBytes: number, ports: DownloadPorts): Promise<Uint8Array> {
  const { answer } = await follow(address, {}, ports)
  const { status, headers, body } = answer
  const place = placeText(address.url)
  try {
    if (status === 404 || status === 410)
      throw fail('materials/beside-missing', `Nothing lies at ${place}`, { expected: 'a file', found: String(status) })
    if (isTransient(status)) throw fail('core/unreachable', `No usable answer from ${place}`, { found: String(status) })
    const encoding = headers['content-encoding'] ?? 'identity'
    if (status !== 200 || encoding !== 'identity')
      throw fail('materials/fetch-refused', `${place} did not give the file`, {
        expected: '200, not compressed',
        found: `${status}, ${encoding}`,
      })
    const bytes = await bounded(body, maxBytes, address.url, ports)
    ports.budget.take(bytes.byteLength)
    return bytes
  } finally {
    body.destroy()
  }
}

/** Few bytes have the time of one slow window, whatever their pace. */
async function bounded(
  body: Parameters<typeof readBounded>[0],
  maxBytes: number,
  url: string,
  { timing }: DownloadPorts,
): Promise<Uint8Array> {
  const end = after(timing.slowMs)
  end.reached.then(() => body.destroy(new Error(`not whole in ${timing.slowMs} milliseconds`)))
  try {
    return await readBounded(body, maxBytes, url)
  } finally {
    end.forget()
  }
}
