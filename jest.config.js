/**
 * Three projects: `unit` is pure and fast; `e2e` runs the bundled dist as a child process against the embedded stack;
 * `peers` does so against real servers (`npm run test:peers`, which installs them).
 */
const common = {
  rootDir: '.',
  // Not where a ring's own temporary files are, which go when it ends.
  cacheDirectory: '<rootDir>/.cache/jest',
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/lib/', '<rootDir>/dist/'],
}

export default {
  // Tests are never timed: this only ends one that hangs, on a machine as slow as it may be.
  testTimeout: 120_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: ['/__tests__/e2e/', '/__tests__/peers/'],
    },
    { ...common, displayName: 'e2e', testMatch: ['<rootDir>/__tests__/e2e/**/*.test.ts'] },
    { ...common, displayName: 'peers', testMatch: ['<rootDir>/__tests__/peers/**/*.test.ts'] },
  ],
}
