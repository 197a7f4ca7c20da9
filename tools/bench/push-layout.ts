/** `node push-layout.ts FOLDER HOST REPOSITORY`: pushes a layout and prints the most memory it had, in bytes. */
import { HttpClient } from '../../src/io/http.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { pushLayout } from '../../src/registry/layout.ts'

const [folder = '', host = '', repository = ''] = process.argv.slice(2)
const http = new HttpClient()
await pushLayout(new RegistryClient({ http, credentials: ANONYMOUS }), { host, repository }, folder)
http.close()
console.log(process.resourceUsage().maxRSS * 1024)
