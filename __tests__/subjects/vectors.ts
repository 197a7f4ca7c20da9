import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asWaybillError } from '../../src/core/error.ts'
import type { Examined } from '../../src/subjects/found.ts'

export const MANIFESTS = join(import.meta.dirname, '../vectors/manifests')
export const COMPOSE = join(import.meta.dirname, '../vectors/compose')

/** What a vector expects; the whole of it, so that nothing can be found besides. */
export interface Expected {
  readonly kind: 'images' | 'unknown' | 'error'
  readonly code?: string
  readonly message?: string
  /** `certain|found file:line path = canonical[:tag][@digest]`. */
  readonly images?: readonly string[]
  readonly unexamined?: readonly string[]
  readonly notes?: readonly string[]
}

export function folders(root: string): readonly string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

export function inputOf(name: string): { readonly file: string; readonly bytes: Uint8Array } {
  const folder = join(MANIFESTS, name)
  const [file = ''] = readdirSync(folder).filter(entry => entry.startsWith('input.'))
  return { file, bytes: new Uint8Array(readFileSync(join(folder, file))) }
}

export async function outcome(examine: () => Examined | Promise<Examined>): Promise<Expected> {
  try {
    const { images, unexamined, notes } = await examine()
    return {
      kind: unexamined.length === 0 ? 'images' : 'unknown',
      ...(unexamined.length === 0 ? {} : { code: 'verify/unexamined-image' }),
      images: images.map(({ certain, place, reference: { canonical, tag, digest } }) => {
        const full = `${canonical}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
        return `${certain ? 'certain' : 'found'} ${place.file}:${place.line} #${place.document} ${place.path} = ${full}`
      }),
      unexamined: unexamined.map(({ error }) => error.message),
      notes: notes.map(({ code, message }) => `${code} ${message}`),
    }
  } catch (error) {
    const { code, message } = asWaybillError(error)
    return { kind: 'error', code, message }
  }
}

/** Reads what is expected; with UPDATE_GOLDEN=1 it is written first, for a reviewer to read the difference. */
export function expected(folder: string, got: Expected): Expected {
  const path = join(folder, 'expect.json')
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, `${JSON.stringify(got, undefined, 2)}\n`)
  expect(existsSync(join(folder, 'README.md'))).toBe(true)
  return JSON.parse(readFileSync(path, 'utf8')) as Expected
}
