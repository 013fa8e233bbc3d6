"""Asks all clients for all of their metrics, through kafka-python: client_metrics.py BOOTSTRAP INTERVAL-MS"""
import sys

from kafka.admin import KafkaAdminClient
from kafka.protocol.admin import AlterConfigsRequest_v1

CLIENT_METRICS = 16  # kafka-python 2.0 has no name for it, so the request is made by hand

admin = KafkaAdminClient(bootstrap_servers=sys.argv[1])
request = AlterConfigsRequest_v1(
    resources=[(CLIENT_METRICS, "everything", [("metrics", "*"), ("interval.ms", sys.argv[2])])], validate_only=False)
answer = admin._send_request_to_node(admin._client.least_loaded_node(), request)
admin._wait_for_futures([answer])
print("error", answer.value.resources[0][0])
admin.close()
