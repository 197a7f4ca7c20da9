import { runVerify } from './index.js'

await runVerify()
