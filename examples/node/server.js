import { createServer } from 'node:http'

export const greeting = name => `Hello, ${name}.\n`

if (process.argv[1] === import.meta.filename)
  createServer((_, answer) => answer.end(greeting('world'))).listen(8080)
