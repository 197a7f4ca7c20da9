/** `npm test [-- jest arguments]`: unit and end-to-end tests; the latter run the bundled `dist`. */
import { runRing } from './jest.ts'

// While a test waits for the program it runs, another can go on: as many at once as there are processors.
process.exit(runRing('test', ['unit', 'e2e'], ['--maxWorkers=100%', ...process.argv.slice(2)]))
