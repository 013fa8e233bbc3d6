// Transactions of the clients for Node: node transactions.mjs <client> <bootstrap> <topic> <transactional id>
// Writes two records a transaction, "<n>a" and "<n>b"; those of odd numbers are aborted.
import { Producer } from '@platformatic/kafka'
import kafkajs from 'kafkajs'

const [client, bootstrap, topic, transactionalId] = process.argv.slice(2)
const count = 6

async function platformatic () {
  const producer = new Producer({ clientId: client, bootstrapBrokers: [bootstrap], idempotent: true, transactionalId, acks: -1 })
  for (let n = 0; n < count; n++) {
    const transaction = await producer.beginTransaction({ transactionalId })
    await transaction.send({ messages: ['a', 'b'].map((x, i) => ({ topic, partition: i, value: Buffer.from(`${n}${x}`) })) })
    await (n % 2 === 0 ? transaction.commit() : transaction.abort())
  }
  await producer.close()
}

async function js () {
  const kafka = new kafkajs.Kafka({ clientId: client, brokers: [bootstrap], logLevel: kafkajs.logLevel.ERROR })
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let n = 0; n < count; n++) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: ['a', 'b'].map((x, i) => ({ partition: i, value: `${n}${x}` })) })
    await (n % 2 === 0 ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

await { '@platformatic/kafka': platformatic, kafkajs: js }[client]()
