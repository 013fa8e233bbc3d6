// What the Node drivers share; driver.py tells the command line, the file of records and the lines they answer with.
import { readFileSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'

export function parseArguments () {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string' },
      records: { type: 'string' },
      to: { type: 'string', multiple: true },
      idempotent: { type: 'boolean', default: false },
      topics: { type: 'string' },
      group: { type: 'string' },
      count: { type: 'string' }
    }
  })
  return {
    ...values,
    command: positionals[0],
    to: values.to?.map(to => [to.slice(0, to.lastIndexOf(':')), to.slice(to.lastIndexOf(':') + 1)]),
    topics: values.topics?.split(','),
    count: values.count === undefined ? undefined : Number(values.count)
  }
}

export function readRecords (path) {
  return readFileSync(path, 'latin1').split('\n').slice(0, -1).map(line => {
    const [key, value] = line.split('\t').map(field => (field === '-' ? null : Buffer.from(field, 'base64')))
    return { key, value }
  })
}

/** Tells the whole assignment: an object of topic to partitions. */
export function assigned (topics) {
  write('A ' + Object.keys(topics).sort().map(topic => `${topic}:${[...topics[topic]].sort((a, b) => a - b).join(',')}`).join(' '))
}

const lines = []

/** Lines are gathered: one write for each is most of the time of a long run. */
export function received (topic, partition, offset, key, value) {
  lines.push(`R ${topic} ${partition} ${offset} ${text(key)} ${text(value)}\n`)
  if (lines.length === 1) setImmediate(flush)
}

export function ended () {
  write('E')
  process.exit() // standard input, still open, would keep Node alive
}

/** Resolves once whoever started this driver wants it to end. */
export function inputCloses () {
  return new Promise(resolve => process.stdin.on('end', resolve).resume())
}

function text (field) {
  return field === null || field === undefined ? '-' : field.toString('base64')
}

function write (line) {
  lines.push(line + '\n')
  flush()
}

function flush () {
  let bytes = Buffer.from(lines.join(''))
  lines.length = 0
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error // a full pipe: its reader is on its way
    }
  }
}
