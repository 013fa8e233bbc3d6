// KafkaJS. It has no consumer without a group. See driver.py for the command line.
import { compress, decompress } from '@mongodb-js/zstd'
import { lz4Compress, lz4Decompress } from '@platformatic/wasm-utils'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import { assigned, ended, inputCloses, parseArguments, readRecords, received } from './driver.mjs'

const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4Compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(lz4Decompress(buffer))
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => compress(encoder.buffer),
  decompress: buffer => decompress(buffer)
})

const options = parseArguments()
const kafka = new Kafka({ brokers: [options.bootstrap], logLevel: logLevel.ERROR, clientId: 'kafkajs' })

async function produce () {
  const records = readRecords(options.records)
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner, idempotent: options.idempotent, maxInFlightRequests: 1
  })
  await producer.connect()
  const codecs = {
    none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD
  }
  for (const [topic, codec] of options.to) {
    for (let from = 0; from < records.length; from += 2000) {
      await producer.send({ topic, messages: records.slice(from, from + 2000), compression: codecs[codec], acks: -1 })
    }
  }
  await producer.disconnect()
}

async function consume () {
  const consumer = kafka.consumer({
    groupId: options.group, sessionTimeout: 10000, heartbeatInterval: 500, maxWaitTimeInMs: 100, retry: { retries: 20 }
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => assigned(payload.memberAssignment))
  let finish
  const finished = new Promise((resolve, reject) => { finish = { resolve, reject } })
  inputCloses().then(finish.resolve)
  consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) finish.reject(payload.error) })
  await consumer.connect()
  await consumer.subscribe({ topics: options.topics, fromBeginning: true })
  let count = 0
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, isRunning, isStale }) => {
      for (const message of batch.messages) {
        if (count === options.count || !isRunning() || isStale()) break
        count++
        received(batch.topic, batch.partition, message.offset, message.key, message.value)
        resolveOffset(message.offset)
      }
      if (count === options.count) finish.resolve()
    }
  })
  await finished
  await consumer.disconnect()
}

await { produce, consume }[options.command]()
ended()
