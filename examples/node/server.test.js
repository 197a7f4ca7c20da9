import assert from 'node:assert'
import test from 'node:test'
import { greeting } from './server.js'

test('it greets', () => assert.equal(greeting('you'), 'Hello, you.\n'))
