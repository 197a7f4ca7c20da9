/** The one bundle: each door of `dist/` imports it and runs its own function. */
export { runArtifactTask } from './artifact-task.ts'
export { runAttest } from './attest.ts'
export { runCli } from './cli.ts'
export { runDeployDoor as runDeploy } from './deploy.ts'
export { runVerify } from './verify.ts'
