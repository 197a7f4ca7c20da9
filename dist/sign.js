import { runSign } from './index.js'

await runSign()
