import { runLeg } from './index.js'

await runLeg()
