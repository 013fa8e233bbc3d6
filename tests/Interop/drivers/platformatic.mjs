// @platformatic/kafka. It has no consumer without a group. See driver.py for the command line.
import { Consumer, Producer } from '@platformatic/kafka'
import { assigned, ended, inputCloses, parseArguments, readRecords, received } from './driver.mjs'

const options = parseArguments()
const client = { clientId: 'platformatic', bootstrapBrokers: [options.bootstrap] }

async function produce () {
  const records = readRecords(options.records)
  const producer = new Producer({ ...client, acks: -1, idempotent: options.idempotent, autocreateTopics: true })
  for (const [topic, compression] of options.to) {
    for (let from = 0; from < records.length; from += 2000) {
      const messages = records.slice(from, from + 2000).map(record => ({
        topic, key: record.key ?? undefined, value: record.value ?? undefined
      }))
      await producer.send({ messages, compression })
    }
  }
  await producer.close()
}

async function consume () {
  const consumer = new Consumer({
    ...client, groupId: options.group, sessionTimeout: 10000, rebalanceTimeout: 10000, heartbeatInterval: 500, maxWaitTime: 100
  })
  consumer.on('consumer:group:join', ({ assignments }) =>
    assigned(Object.fromEntries((assignments ?? []).map(found => [found.topic, found.partitions]))))
  await consumer.topics.trackAll(...options.topics)
  await consumer.joinGroup()
  const stream = await consumer.consume({ topics: options.topics, mode: 'committed', fallbackMode: 'earliest', autocommit: false })

  // Its own autocommit counts what it has read ahead; here only what was handed on is committed.
  const handedOn = new Map()
  async function commit () {
    const offsets = [...handedOn.values()]
    handedOn.clear()
    if (offsets.length > 0) await consumer.commit({ offsets })
  }

  let count = 0
  inputCloses().then(() => stream.destroy())
  try {
    for await (const message of stream) {
      received(message.topic, message.partition, message.offset, message.key, message.value)
      handedOn.set(`${message.topic}:${message.partition}`, {
        topic: message.topic, partition: message.partition, offset: message.offset + 1n, leaderEpoch: -1
      })
      if (++count === options.count) break
      if (stream.readableLength === 0) await commit()
    }
  } catch (error) {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error // our own destroy, above
  }
  await commit()
  await consumer.close(true)
}

await { produce, consume }[options.command]()
ended()
