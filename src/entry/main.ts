/**
 * The one bundle: each door of `dist/` imports it and runs its own function. Only leaves are files of their own, by
 * `await import('./module.ts')` in the function that needs them: what such a file shares with this one is no longer joined into one scope,
 * and every door pays for that when it starts.
 */
export { runArtifactTask } from './artifact-task.ts'
export { runAttest } from './attest.ts'
export { runCli } from './cli.ts'
export { runComment } from './comment.ts'
export { runDeployDoor as runDeploy } from './deploy.ts'
export { runLeg } from './leg.ts'
export { runPrepare } from './prepare.ts'
export { runSign } from './sign.ts'
export { runVerify } from './verify.ts'
