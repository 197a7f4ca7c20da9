import type { Finding } from '../../src/core/verdict.ts'
import type { Receipt, ReproducibleReceipt } from '../../src/report/receipt.ts'
import type { Difference } from '../../src/reproducible/difference.ts'
import { digest, RELEASE } from './receipts.ts'

/** A release that was built twice, with this outcome. */
function twice(reproducible: ReproducibleReceipt): Receipt {
  const { state } = reproducible
  const at = RELEASE.stages.findIndex(({ name }) => name === 'sign')
  const again = { name: 'reproducible', state, mode: 'audit', ms: 41_000 } as const
  return { ...RELEASE, verdict: state, stages: RELEASE.stages.toSpliced(at, 0, again), reproducible }
}

function finding(text: string, expected: string, found: string): Finding {
  return {
    code: 'build/not-reproducible',
    severity: 'reject',
    subject: RELEASE.image?.digest ?? '',
    message: `The second build for linux/amd64 gave another image: ${text}`,
    expected,
    found,
    remedy: 'Remove what makes the builds differ; docs/reproducible.md names the usual causes.',
  }
}

const SAME = { platform: 'linux/arm64', first: digest('b'), second: digest('b'), differences: [] }

function rejected(differences: readonly Difference[], why: Finding): Receipt {
  const platforms = [{ platform: 'linux/amd64', first: digest('a'), second: digest('9'), differences }, SAME]
  return twice({ state: 'rejected', platforms, findings: [why] })
}

const STAMP = { first: 'sha256:00…, 29 bytes', second: 'sha256:11…, 29 bytes' }
const USER = { first: '"BUILD_ID=1842"', second: '"BUILD_ID=1843"' }

/** Each outcome of a second build. */
export const REPRODUCIBLE_RECEIPTS = {
  reproducible: twice({
    state: 'passed',
    platforms: [{ platform: 'linux/amd64', first: digest('a'), second: digest('a'), differences: [] }, SAME],
    findings: [],
  }),
  'other-file': rejected(
    [
      {
        kind: 'file',
        layer: 4,
        madeBy: 'RUN npm run build | tee build.log',
        path: 'app/dist/build-info.json',
        what: 'content',
        ...STAMP,
      },
      {
        kind: 'file',
        layer: 4,
        path: 'app/node_modules/.cache/x|y',
        what: 'presence',
        first: 'there',
        second: 'missing',
        more: true,
      },
    ],
    finding('layer 4: app/dist/build-info.json has another content', STAMP.first, STAMP.second),
  ),
  'other-config': rejected(
    [{ kind: 'config', path: 'config.Env[2]', ...USER }],
    finding('config.Env[2] of the configuration differs', USER.first, USER.second),
  ),
  'other-layers': rejected(
    [{ kind: 'layers', first: '7', second: '6' }],
    finding('7 layers in one build, 6 in the other', '7', '6'),
  ),
  'other-packing': rejected(
    [{ kind: 'packing', layer: 3, madeBy: 'COPY . /app # buildkit' }],
    finding('layer 3: its content is the same, and only its compression differs', digest('a'), digest('9')),
  ),
  'not-compared': {
    ...twice({
      state: 'unknown',
      platforms: [],
      findings: [
        {
          code: 'build/second-build-failed',
          severity: 'reject',
          subject: RELEASE.image?.digest ?? '',
          message: 'The second build could not be made or compared',
          found: 'buildx ended with an error (build/failed)',
          remedy: 'Run the job again.',
        },
      ],
    }),
    notChecked: ['Whether the image can be built again: the second build could not be made or compared.'],
  },
} as const satisfies Readonly<Record<string, Receipt>>
