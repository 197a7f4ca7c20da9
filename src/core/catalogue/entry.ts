import type { CatalogueEntry } from '../catalogue.ts'

export const ENTRY_ERRORS = {
  'entry/input-unsupported': {
    kind: 'configuration',
    meaning: 'An input does not exist, or this version does not serve it. It is never ignored.',
    remedy: 'Remove the input, or correct its name; the inputs that exist stand in action.yml.',
  },
  'entry/input-malformed': {
    kind: 'configuration',
    meaning: 'An input holds a value that it cannot have.',
    remedy: 'Correct the value; the message says what is expected.',
  },
  'entry/input-missing': {
    kind: 'configuration',
    meaning: 'An input that is needed here is empty.',
    remedy: 'Set the input that the message names.',
  },
  'entry/input-contradiction': {
    kind: 'configuration',
    meaning: 'Two inputs cannot both hold, or one needs another that is missing.',
    remedy: 'Keep one of the two.',
  },
  'entry/usage': {
    kind: 'configuration',
    meaning: 'The command line could not be understood.',
    remedy: 'See: waybill --help',
  },
} as const satisfies Record<`entry/${string}`, CatalogueEntry>
