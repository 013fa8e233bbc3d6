"""kafka-python, a client in pure Python. See driver.py for the command line; --api-version 0,10 makes it an old client."""
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition

import driver


def produce(options):
    if options.idempotent:
        sys.exit("kafka-python 2.0 has no idempotent producer")
    records = driver.read_records(options.records)
    for topic, codec in options.to:
        producer = KafkaProducer(
            bootstrap_servers=options.bootstrap, compression_type=None if codec == "none" else codec, acks="all",
            linger_ms=5, api_version=api_version(options), max_in_flight_requests_per_connection=1)
        reports = [producer.send(topic, key=key, value=value) for key, value in records]
        producer.flush()
        for report in reports:
            report.get(timeout=60)
        producer.close()


def consume(options):
    consumer = KafkaConsumer(
        bootstrap_servers=options.bootstrap, group_id=options.group, auto_offset_reset="earliest",
        enable_auto_commit=options.group is not None, auto_commit_interval_ms=500, api_version=api_version(options),
        session_timeout_ms=10000, heartbeat_interval_ms=500, consumer_timeout_ms=100)

    class Listener(ConsumerRebalanceListener):
        def on_partitions_assigned(self, partitions):
            driver.assigned((found.topic, found.partition) for found in partitions)

        def on_partitions_revoked(self, partitions):
            pass  # what follows is the whole new assignment

    if options.group:
        consumer.subscribe(options.topics, listener=Listener())
    else:
        partitions = [TopicPartition(topic, partition)
                      for topic in options.topics for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
    closed = driver.input_closes()
    count = 0
    while count != options.count and not closed.is_set():
        for message in consumer:
            count += 1
            driver.received(message.topic, message.partition, message.offset, message.key, message.value, flush=count % 100 == 0)
            if count == options.count:
                break
        sys.stdout.flush()
    consumer.close()


def api_version(options):
    return tuple(int(part) for part in options.api_version.split(",")) if options.api_version else None


if __name__ == "__main__":
    arguments = driver.parse_arguments()
    globals()[arguments.command](arguments)
    driver.ended()
