import { fail } from '../core/error.ts'

/** Everything that is piped into the process. @throws `core/file-unreadable` for more than `maxBytes`, or a broken pipe */
export async function readStandardInput(maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of process.stdin) {
      size += (part as Uint8Array).byteLength
      if (size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`)
      parts.push(part as Uint8Array)
    }
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    throw fail('core/file-unreadable', 'Cannot read standard input', { found, cause: error })
  }
  return new Uint8Array(Buffer.concat(parts, size))
}
