/** `npm test [-- jest arguments]`: unit and end-to-end tests; the latter run the bundled `dist`. */
import { runRing } from './jest.ts'

process.exit(runRing('test', ['unit', 'e2e'], process.argv.slice(2)))
