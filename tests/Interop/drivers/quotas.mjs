// Sets a quota of a client id through @platformatic/kafka and tells what is set then: quotas.mjs BOOTSTRAP CLIENT-ID KEY VALUE
import { Admin } from '@platformatic/kafka'

const [bootstrap, clientId, key, value] = process.argv.slice(2)
const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [bootstrap] })
await admin.alterClientQuotas({
  entries: [{ entities: [{ entityType: 'client-id', entityName: clientId }], ops: [{ key, value: Number(value), remove: false }] }]
})
const found = await admin.describeClientQuotas({ components: [{ entityType: 'client-id', matchType: 0, match: clientId }] })
console.log(found.flatMap(({ values }) => values).map(quota => `${quota.key}=${quota.value}`).join(' '))
await admin.close()
