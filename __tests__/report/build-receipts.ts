import type { Receipt } from '../../src/report/receipt.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { digest, RELEASE } from './receipts.ts'

const { image = undefined, ...WITHOUT_IMAGE } = RELEASE
const { materials } = MATERIAL_RECEIPTS.materials
const AGAIN = { name: 'reproducible', state: 'passed', mode: 'audit', ms: 41_000 } as const

/** What builds say that the other receipts do not have. */
export const BUILD_RECEIPTS = {
  'by-a-command': {
    ...RELEASE,
    ...(image === undefined ? {} : { image: { ...image, builder: 'command' } }),
    notices: [
      'The command ran where it could ask for an identity token (command-isolation: none): it could have signed anything in the name of this workflow.',
    ],
  },
  'large-files-and-a-cache': {
    ...RELEASE,
    materials: {
      items: [
        {
          name: `git+https://github.com/acme/app@${'c'.repeat(40)}#model.bin`,
          kind: 'lfs',
          places: ['model.bin'],
          digest: digest('6'),
          verdict: 'passed',
          proof: 'pinned',
          findings: [],
        },
        {
          name: `git+https://github.com/acme/lib@${'d'.repeat(40)}`,
          kind: 'git',
          places: ['vendor/lib'],
          digest: 'd'.repeat(40),
          verdict: 'passed',
          proof: 'signed',
          by: 'ssh key SHA256:x',
          findings: [],
        },
      ],
      closed: { ...materials.closed, builder: 'shared', cache: 'shared', network: 'default' },
    },
    notices: ['Layers can come from the cache type=registry,ref=ghcr.io/acme/app-cache:main.'],
  },
  'built-twice-before': {
    ...RELEASE,
    stages: [...RELEASE.stages, AGAIN],
    reproducible: {
      state: 'passed',
      earlier: true,
      platforms: [{ platform: 'linux/amd64', differences: [] }],
      findings: [],
    },
  },
  'another-format': {
    ...RELEASE,
    verdict: 'rejected',
    stages: [...RELEASE.stages, { ...AGAIN, state: 'rejected' }],
    reproducible: {
      state: 'rejected',
      platforms: [
        { platform: 'linux/amd64', first: digest('a'), second: digest('9'), differences: [{ kind: 'format' }] },
      ],
      findings: [],
    },
  },
  // A run that prepares has no image yet, and signs nothing.
  'of-a-plan': { ...WITHOUT_IMAGE, command: 'waybill prepare', subjects: [], attestations: [] },
} as const satisfies Readonly<Record<string, Receipt>>
