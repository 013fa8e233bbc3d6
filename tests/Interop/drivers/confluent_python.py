"""confluent-kafka-python: librdkafka under Python. See driver.py for the command line."""
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

import driver


def produce(options):
    records = driver.read_records(options.records)
    failures = []
    for topic, codec in options.to:
        producer = Producer({
            "bootstrap.servers": options.bootstrap, "compression.type": codec, "linger.ms": 5, "acks": "all",
            "enable.idempotence": options.idempotent})
        delivered = 0

        def on_delivery(error, _):
            nonlocal delivered
            if error:
                failures.append(f"{topic}: {error}")
            delivered += 1

        for key, value in records:
            while True:
                try:
                    producer.produce(topic, key=key, value=value, on_delivery=on_delivery)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        producer.flush()
        if delivered != len(records):
            failures.append(f"{topic}: {delivered} of {len(records)} reports")
    if failures:
        sys.exit("\n".join(failures[:5]))


def consume(options):
    consumer = Consumer({
        "bootstrap.servers": options.bootstrap, "group.id": options.group or "unused", "auto.offset.reset": "earliest",
        "enable.auto.commit": options.group is not None, "session.timeout.ms": 10000})
    if options.group:
        mine = set()

        def on_assign(_, partitions):
            mine.update((found.topic, found.partition) for found in partitions)
            driver.assigned(mine)

        def on_revoke(_, partitions):
            mine.difference_update((found.topic, found.partition) for found in partitions)
            driver.assigned(mine)

        consumer.subscribe(options.topics, on_assign=on_assign, on_revoke=on_revoke)
    else:
        found = consumer.list_topics().topics
        consumer.assign([TopicPartition(topic, partition, 0)
                         for topic in options.topics for partition in found[topic].partitions])
    closed = driver.input_closes()
    count = 0
    while count != options.count and not closed.is_set():
        message = consumer.poll(0.1)
        if message is None:
            sys.stdout.flush()
            continue
        if message.error():
            if message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue  # subscribed before the topic was made
            raise KafkaException(message.error())
        count += 1
        driver.received(message.topic(), message.partition(), message.offset(), message.key(), message.value(), flush=count % 100 == 0)
    consumer.close()


if __name__ == "__main__":
    arguments = driver.parse_arguments()
    globals()[arguments.command](arguments)
    driver.ended()
