import type { Readable } from 'node:stream'
import { fail } from '../../core/error.ts'
import { after, type Deadline } from '../../io/deadline.ts'
import type { FetchTiming } from './timing.ts'

/**
 * The chunks of a body while enough of them come: a server that sends a byte now and then is ended as one that sends none.
 * @throws `core/unreachable` when it is too slow or breaks off, or the signal ends it.
 */
export async function* steady(
  body: Readable,
  { slowMs, slowBytes }: Pick<FetchTiming, 'slowMs' | 'slowBytes'>,
  host: string,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  let window: Deadline | undefined
  const watch = (): void => {
    const before = bytes
    window = after(slowMs)
    window.reached.then(() => {
      if (bytes - before >= slowBytes) watch()
      else body.destroy(new Error(`fewer than ${slowBytes} bytes in ${slowMs} milliseconds`))
    })
  }
  watch()
  try {
    for await (const chunk of body) {
      bytes += (chunk as Uint8Array).byteLength
      yield chunk as Uint8Array
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    throw fail('core/unreachable', `The answer of ${host} broke off`, { found, cause: error })
  } finally {
    window?.forget()
    body.destroy()
  }
}
