import { printable } from '../core/text.ts'

/** A file as a sentence names it. */
export function fileWords(file: string): string {
  return file === '-' ? 'standard input' : printable(file)
}

/** Where a subject was named, for findings and for pinning. */
export interface Place {
  /** As the caller named it; `-` for standard input. */
  readonly file: string
  /** Of several YAML documents in one file, from 1. */
  readonly document: number
  /** JSON path in the document, `spec.template.spec.containers[0].image`. */
  readonly path: string
  /** From 1. */
  readonly line: number
  /** A pod of a cluster: `file` is NAMESPACE/POD, `path` the list and the name in it, and there are no lines. */
  readonly pod?: true
}
