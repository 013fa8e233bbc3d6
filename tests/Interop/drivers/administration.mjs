// What administrators do and the admin clients have no call for, with the requests of @platformatic/kafka:
// administration.mjs BOOTSTRAP NODE-ID TOPIC DIRECTORY. Prints a line for each answer.
import {
  Connection, alterPartitionReassignmentsV0, alterReplicaLogDirsV2, describeConfigsV4, describeLogDirsV4, describeQuorumV2,
  incrementalAlterConfigsV1, listPartitionReassignmentsV0, unregisterBrokerV0, updateFeaturesV1
} from '@platformatic/kafka'

const [bootstrap, node, topic, directory] = process.argv.slice(2)
const [host, port] = bootstrap.split(':')
const connection = new Connection('admin')
await connection.connect(host, Number(port))
const ask = ({ api }, ...request) => api.async(connection, ...request)
// An answer that holds errors is thrown.
const refusal = async answer => {
  try {
    await answer
    return 'none'
  } catch (failure) {
    return failure.errors.map(({ apiId }) => apiId).join(' ')
  }
}

const quorum = (await ask(describeQuorumV2, [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }])).topics[0].partitions[0]
console.log('quorum', quorum.leaderId, quorum.currentVoters.map(voter => voter.replicaId).join(), quorum.observers.length)

console.log('reassigned', await refusal(ask(alterPartitionReassignmentsV0, 1000, true, [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [Number(node)] }] }])))
console.log('elsewhere', await refusal(ask(alterPartitionReassignmentsV0, 1000, true, [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [77] }] }])))
console.log('under way', (await ask(listPartitionReassignmentsV0, 1000, [{ name: topic, partitionIndexes: [0] }])).topics.length)

console.log('feature', await refusal(ask(updateFeaturesV1, 1000, [{ feature: 'metadata.version', maxVersionLevel: 29, upgradeType: 1 }], true)))
console.log('no feature', await refusal(ask(updateFeaturesV1, 1000, [{ feature: 'no.such', maxVersionLevel: 1, upgradeType: 1 }], true)))
console.log('unregistered', await refusal(ask(unregisterBrokerV0, 77)))

// A default of all brokers reaches a topic that is there; Confluent.Kafka cannot name all brokers.
const retention = { name: 'log.retention.ms', configOperation: 0, value: '7000000' }
await ask(incrementalAlterConfigsV1, [{ resourceType: 4, resourceName: '', configs: [retention] }], false)
const told = await ask(describeConfigsV4, [{ resourceType: 2, resourceName: topic, configurationKeys: ['retention.ms'] }], true, false)
console.log('retention', told.results[0].configs[0].value, told.results[0].configs[0].configSource)

const logger = 'Milena.Broker.BrokerServer'
await ask(incrementalAlterConfigsV1, [{ resourceType: 8, resourceName: node, configs: [{ name: logger, configOperation: 0, value: 'DEBUG' }] }], false)
const levels = await ask(describeConfigsV4, [{ resourceType: 8, resourceName: node, configurationKeys: [logger, 'root'] }], false, false)
console.log('levels', levels.results[0].configs.map(({ name, value }) => `${name}=${value}`).join(' '))

console.log('moved', await refusal(ask(alterReplicaLogDirsV2, [{ path: directory, topics: [{ name: topic, partitions: [0] }] }])))
console.log('nowhere', await refusal(ask(alterReplicaLogDirsV2, [{ path: '/no/such', topics: [{ name: topic, partitions: [0] }] }])))
for (;;) {
  const { results } = await ask(describeLogDirsV4, [{ name: topic, partitions: [0] }])
  const found = results.flatMap(({ logDir, topics }) => topics.flatMap(({ partitions }) => partitions.map(({ isFutureKey }) => ({ logDir, isFutureKey }))))
  if (found.length === 1 && !found[0].isFutureKey) {
    console.log('is in', found[0].logDir)
    break
  }
}
await connection.close()
