import { runDeploy } from './index.js'

await runDeploy()
