import { decodeUtf8 } from '../core/bytes.ts'
import type { Digest } from '../core/digest.ts'
import { asWaybillError, fail, WaybillError } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { hashFile } from '../io/files.ts'
import { type ProcessRequest, type ProcessResult, run } from '../io/process.ts'
import type { OutputSink, ToolRecord } from './builder.ts'
import { OutputTail } from './output.ts'

/** Milliseconds a tool may take to say its version or state. */
const QUESTION_MS = 60_000
/** Bytes kept of a tool whose output is streamed on anyway. */
const STREAMED_KEEP_BYTES = 64 * 1024

/** Asks a tool something short; `undefined` when it cannot start or ends with an error. */
export async function ask(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const result = await answer(file, args, env)
  return result?.code === 0 ? textOf(result.stdout) : undefined
}

/** As `ask`, with exit code and both streams; `undefined` only when it did not run to an end. */
export async function answer(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProcessResult | undefined> {
  try {
    return await run({ file, args, env, timeoutMs: QUESTION_MS })
  } catch {
    return undefined
  }
}

/** Name, version line and hash of a program, for provenance. */
export async function recordTool(name: string, file: string, version: string): Promise<ToolRecord> {
  return toolRecord(name, version, await hashFile(file))
}

/** @param version as the program prints it. */
export function toolRecord(name: string, version: string, { digest }: { readonly digest: Digest }): ToolRecord {
  return { name, version: printable(version.trim().split('\n', 1)[0] ?? '', 120), digest }
}

/**
 * Runs a builder with its output streamed to the sink.
 * @param explain gets the last lines, printable, and the same as they came: a remedy, or the error to end with instead.
 * @throws `build/failed` with the last lines when it ends with an error or does not end.
 */
export async function runBuilder(
  name: string,
  request: Omit<ProcessRequest, 'onOutput' | 'maxOutputBytes'>,
  output: OutputSink,
  explain?: (lines: readonly string[], text: string) => string | WaybillError | undefined,
): Promise<ProcessResult> {
  const tail = new OutputTail(output)
  const failed = (how: string, cause?: unknown): Error => {
    const lines = tail.lines(12)
    const advice = explain?.(lines, tail.text()) ?? adviceOf(lines)
    if (advice instanceof WaybillError) return advice
    return fail('build/failed', `${name} ${how}`, {
      expected: 'exit code 0',
      found: lines.join(' ⏎ ').slice(-1000),
      ...(advice === undefined ? {} : { remedy: advice }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
  const result = await run({
    ...request,
    onOutput: chunk => tail.write(chunk),
    maxOutputBytes: STREAMED_KEEP_BYTES,
  }).catch((error: unknown) => {
    throw failed(`did not end normally: ${asWaybillError(error).message}`, error)
  })
  if (result.code !== 0) throw failed(`ended with exit code ${result.code}`)
  return result
}

/** What to do about what can befall any builder. @param lines its last words, in which those of a RUN step may stand, too. */
function adviceOf(lines: readonly string[]): string | undefined {
  const text = lines.join('\n')
  if (/no space left on device|disk quota exceeded/i.test(text))
    return 'Free room on the disk where the builder keeps its layers (docker buildx prune --force), or use a runner with a larger one.'
  const [, flag] = /^(?:Error: |ERROR: )?unknown flag: (--[a-z-]{1,40})$/m.exec(text) ?? []
  if (flag !== undefined)
    return `This builder is too old: it does not know ${flag}. Add a step \`uses: docker/setup-buildx-action@v3\` before this one, or install a newer one.`
  return undefined
}

function textOf(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? ''
}
