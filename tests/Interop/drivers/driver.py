"""What the Python drivers share: the command line, the file of records, and the lines they answer with.

    produce --bootstrap HOST:PORT --records FILE --to TOPIC:CODEC [--to ...] [--idempotent]
    consume --bootstrap HOST:PORT --topics A,B [--group G] [--count N]

A line of FILE is a record: key, tab, value, each in base64 or "-" for null. `consume` writes `A topic:0,1 other:0` for
an assignment and `R topic partition offset key value` for a record; it ends after N records, or when its standard
input closes, and then commits (in a group) and leaves. The last line of both is `E`, so a driver that died shows.
"""
import argparse
import base64
import os
import sys
import threading


def parse_arguments():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    produce = commands.add_parser("produce")
    produce.add_argument("--records", required=True)
    produce.add_argument("--to", action="append", required=True, type=lambda to: to.rsplit(":", 1))
    produce.add_argument("--idempotent", action="store_true")
    consume = commands.add_parser("consume")
    consume.add_argument("--topics", required=True, type=lambda topics: topics.split(","))
    consume.add_argument("--group")
    consume.add_argument("--count", type=int)
    for command in (produce, consume):
        command.add_argument("--bootstrap", required=True)
        command.add_argument("--api-version")
    return parser.parse_args()


def read_records(path):
    with open(path, "rb") as lines:
        return [tuple(None if field == b"-" else base64.b64decode(field) for field in line.rstrip(b"\n").split(b"\t"))
                for line in lines]


def assigned(partitions):
    """Tells the whole assignment: pairs of topic and partition."""
    topics = {}
    for topic, partition in sorted(partitions):
        topics.setdefault(topic, []).append(str(partition))
    write("A " + " ".join(topic + ":" + ",".join(found) for topic, found in topics.items()), flush=True)


def received(topic, partition, offset, key, value, flush):
    write(f"R {topic} {partition} {offset} {text(key)} {text(value)}", flush)


def ended():
    write("E", flush=True)


def input_closes():
    """An event that is set once whoever started this driver wants it to end."""
    closed = threading.Event()

    def wait():
        while os.read(0, 4096):
            pass
        closed.set()

    threading.Thread(target=wait, daemon=True).start()
    return closed


def text(field):
    return "-" if field is None else base64.b64encode(field).decode()


def write(line, flush):
    sys.stdout.write(line + "\n")
    if flush:
        sys.stdout.flush()
