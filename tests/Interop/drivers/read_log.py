"""Reads the log directory of a broker that does not run, from the description of its formats alone, and checks that all its
files agree with each other. It shares no line with the broker, so that a mistake in the broker's own reader cannot hide.

    read_log.py DIRECTORY [--topics A,B]

It writes, for the topics that are named (or all):

    R topic partition offset timestamp producer-id epoch sequence codec transactional key value   a record
    C topic partition offset producer-id epoch ABORT|COMMIT coordinator-epoch                     a transaction's marker
    A topic partition producer-id first last stable                                               an aborted transaction's index entry
    L topic partition start end stable recovery-point high-watermark                              a partition
    ! file: what is wrong with it

Key and value are in base64, "-" for null. The last line is `E` and what was read; the exit code is 1 if anything is wrong.
"""
import argparse
import base64
import json
import os
import re
import struct
import sys

from read_log_batches import Batches, Broken, crc32c

NAMES = re.compile(r"(\d{20})\.(log|index|timeindex|txnindex|snapshot)$")
UUID = re.compile(r"[A-Za-z0-9_-]{22}$")
CHECKPOINTS = ("recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint",
               "cleaner-offset-checkpoint")
MARKERS = {0: "ABORT", 1: "COMMIT"}


class Report:
    """What is found, and what is wrong."""

    def __init__(self, topics):
        self.topics, self.faults, self.counts = topics, 0, {}

    def say(self, kind, topic, *fields):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.topics is None or topic in self.topics:
            print(kind, topic, *fields)

    def check(self, holds, path, fault):
        if not holds:
            self.faults += 1
            print(f"! {path}: {fault}")
        return holds


def read(path):
    with open(path, "rb") as file:
        return file.read()


def lines_of(path, kinds, report):
    """A checkpoint: version 0, how many lines, the lines."""
    lines = read(path).decode("utf-8").split("\n")
    if not report.check(lines[-1] == "" and len(lines) >= 3 and lines[0] == "0" and lines[1] == str(len(lines) - 3), path,
                        "no version 0, or another number of lines than it says, or no line end"):
        return []
    fields = [line.rsplit(" ", len(kinds) - 1) for line in lines[2:-1]]
    return [tuple(kind(field) for kind, field in zip(kinds, line)) for line in fields]


def properties(path):
    lines = [line for line in read(path).decode("utf-8").split("\n") if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


class Producer:
    def __init__(self, epoch):
        self.epoch, self.last_sequence, self.last_offset, self.delta = epoch, -1, -1, 0
        self.timestamp, self.coordinator_epoch, self.open_since = -1, -1, -1

    def entry(self):
        return (self.epoch, self.last_sequence, self.last_offset, self.delta, self.timestamp, self.coordinator_epoch, self.open_since)


class Partition:
    """One partition's directory. Its batches are read in order, and all other files are compared with what they say."""

    def __init__(self, path, topic, number, checkpoints, report):
        self.path, self.topic, self.number, self.report = path, topic, number, report
        self.checkpoints = checkpoints
        self.producers = {}
        self.snapshots_seen = set()
        self.is_compacted = (topic, number) in checkpoints["cleaner-offset-checkpoint"]
        files = {}
        for name in os.listdir(path):
            match = NAMES.match(name)
            if match:
                files.setdefault(match.group(2), {})[int(match.group(1))] = os.path.join(path, name)
            else:
                report.check(name in ("leader-epoch-checkpoint", "partition.metadata", "quorum-state")
                             or name.endswith((".checkpoint", ".deleted")), os.path.join(path, name), "a file of no known name")
        self.files = files
        self.bases = sorted(files.get("log", {}))
        self.start = checkpoints["log-start-offset-checkpoint"].get((topic, number), self.bases[0] if self.bases else 0)

    def read(self):
        self.metadata()
        epochs = self.epochs()
        report = self.report
        if not report.check(self.bases, self.path, "no segment"):
            return
        for kind in ("index", "timeindex", "txnindex"):
            for base, path in self.files.get(kind, {}).items():
                report.check(base in self.bases, path, "no segment of that name")
        end = self.bases[0]
        for i, base in enumerate(self.bases):
            limit = self.bases[i + 1] if i + 1 < len(self.bases) else None
            self.snapshot(base)
            end = self.segment(base, limit, end, epochs)
        self.snapshot(end)
        snapshots = self.files.get("snapshot", {})
        for offset, path in snapshots.items():
            report.check(offset in self.bases or offset == max(snapshots), path, "a snapshot neither at a segment's base nor the latest")
            report.check(offset in self.snapshots_seen, path, f"a snapshot within a batch, or beyond the end {end}")
        self.bounds(end)

    def metadata(self):
        path = os.path.join(self.path, "partition.metadata")
        if not self.report.check(os.path.exists(path), path, "missing"):
            return
        lines = read(path).decode("utf-8").split("\n")
        self.report.check(len(lines) == 2 and lines[0] == "version: 0" and lines[1].startswith("topic_id: ")
                          and UUID.match(lines[1][10:]), path, f"not its two lines: {lines}")

    def epochs(self):
        path = os.path.join(self.path, "leader-epoch-checkpoint")
        entries = lines_of(path, (int, int), self.report) if os.path.exists(path) else []
        self.report.check(entries == sorted(set(entries)) and [e[1] for e in entries] == sorted(e[1] for e in entries), path,
                          "epochs or offsets out of order")
        return entries

    def segment(self, base, limit, end, epochs):
        path, report = self.files["log"][base], self.report
        places, highest, largest = {}, [], -1
        stable = []
        try:
            for batch in Batches(read(path)):
                report.check(batch.base_offset >= max(end, base), path, f"batch at {batch.base_offset} follows {end}")
                report.check(limit is None or batch.last_offset < limit, path, f"batch to {batch.last_offset} in a segment that ends at {limit}")
                if batch.last_offset >= self.start:  # what lies before is on its way out, and of no epoch
                    covering = [epoch for epoch, start in epochs if start <= max(batch.base_offset, self.start)]
                    report.check(covering and covering[-1] == batch.leader_epoch, path,
                                 f"batch at {batch.base_offset} of epoch {batch.leader_epoch} lies in epoch {covering[-1:]}")
                if batch.base_offset != base:
                    self.snapshot(batch.base_offset)
                places[batch.position] = batch.last_offset
                if batch.max_timestamp > largest:
                    largest = batch.max_timestamp
                highest.append((batch.last_offset, largest))
                self.records(batch, path, stable)
                end = batch.last_offset + 1
        except Broken as fault:
            report.check(False, path, fault)
        is_active = limit is None
        self.offset_index(base, places, is_active)
        self.time_index(base, highest, is_active)
        self.transaction_index(base, stable)
        return end

    def records(self, batch, path, stable):
        report = self.report
        self.producer(batch, path, stable)
        if batch.is_control:
            return
        if not self.is_compacted:
            report.check([record.offset for record in batch.records] == list(range(batch.base_offset, batch.last_offset + 1)), path,
                         f"batch at {batch.base_offset} has gaps")
        if batch.records and not batch.is_append_time:
            report.check(self.is_compacted or max(record.timestamp for record in batch.records) == batch.max_timestamp, path,
                         f"batch at {batch.base_offset} says {batch.max_timestamp} is its largest timestamp")
        for i, record in enumerate(batch.records):
            sequence = (batch.base_sequence + record.offset - batch.base_offset) % 2 ** 31 if batch.base_sequence >= 0 else -1
            report.say("R", self.topic, self.number, record.offset, record.timestamp, batch.producer_id, batch.producer_epoch, sequence,
                       batch.codec, int(batch.is_transactional), text(record.key), text(record.value))

    def producer(self, batch, path, stable):
        if batch.producer_id < 0:
            return
        known = self.producers.get(batch.producer_id)
        if known is None or known.epoch != batch.producer_epoch:
            fresh = Producer(batch.producer_epoch)
            if known is not None:
                fresh.open_since, fresh.coordinator_epoch = known.open_since, known.coordinator_epoch
            known = self.producers[batch.producer_id] = fresh
        known.timestamp = batch.max_timestamp
        if batch.is_control:
            self.marker(batch, known, path, stable)
            return
        if not self.is_compacted and known.last_sequence >= 0:
            self.report.check(batch.base_sequence == (known.last_sequence + 1) % 2 ** 31, path,
                              f"batch at {batch.base_offset}: sequence {batch.base_sequence} after {known.last_sequence}")
        known.last_sequence = (batch.base_sequence + batch.last_offset - batch.base_offset) % 2 ** 31
        known.last_offset, known.delta = batch.last_offset, batch.last_offset - batch.base_offset
        if batch.is_transactional and known.open_since < 0:
            known.open_since = batch.base_offset

    def marker(self, batch, producer, path, stable):
        if not batch.records:
            return
        record = batch.records[0]
        version, kind = struct.unpack(">hh", record.key)
        if not self.report.check(version == 0 and kind in MARKERS and len(batch.records) == 1 and batch.is_transactional, path,
                                 f"batch at {batch.base_offset} is no marker"):
            return
        _, coordinator_epoch = struct.unpack(">hi", record.value)
        producer.coordinator_epoch = coordinator_epoch
        if kind == 0 and producer.open_since >= 0:
            others = [other.open_since for other in self.producers.values() if other is not producer and other.open_since >= 0]
            stable.append((batch.producer_id, producer.open_since, batch.base_offset, min(others + [batch.base_offset + 1])))
        producer.open_since = -1
        self.report.say("C", self.topic, self.number, batch.base_offset, batch.producer_id, batch.producer_epoch, MARKERS[kind],
                        coordinator_epoch)

    def offset_index(self, base, places, is_active):
        path = self.files.get("index", {}).get(base)
        if not self.report.check(path, self.files["log"][base], "no offset index"):
            return
        previous = -1
        for relative, position in self.entries(path, ">ii", is_active):
            offset = base + relative
            self.report.check(offset > previous, path, f"offset {offset} after {previous}")
            self.report.check(places.get(position) == offset, path, f"offset {offset} is not the last of a batch at {position}")
            previous = offset

    def time_index(self, base, highest, is_active):
        path = self.files.get("timeindex", {}).get(base)
        if not self.report.check(path, self.files["log"][base], "no time index"):
            return
        entries = self.entries(path, ">qi", is_active)
        self.report.check([e[0] for e in entries] == sorted({e[0] for e in entries}), path, "timestamps out of order")
        for timestamp, relative in entries:
            offset = base + relative
            reached = [last for last, largest in highest if largest == timestamp]
            self.report.check(reached[:1] == [offset], path, f"{timestamp} is not the largest timestamp from {offset} on")
        if not is_active and highest and not self.is_compacted:
            self.report.check(entries and entries[-1][0] == highest[-1][1], path, "the largest timestamp is not its last entry")

    def transaction_index(self, base, expected):
        path = self.files.get("txnindex", {}).get(base)
        entries = [entry[1:] for entry in struct.iter_unpack(">hqqqq", read(path))] if path else []
        for entry in entries:
            self.report.say("A", self.topic, self.number, *entry)
        if not self.is_compacted:
            self.report.check(entries == expected, path or self.files["log"][base],
                              f"aborted transactions are {expected}, and its index has {entries}")

    def entries(self, path, layout, is_active):
        content, size = read(path), struct.calcsize(layout)
        self.report.check(len(content) % size == 0, path, f"{len(content)} bytes are not whole entries")
        entries = list(struct.iter_unpack(layout, content[:len(content) - len(content) % size]))
        while is_active and entries and not any(entries[-1]):
            entries.pop()  # the active segment's index is preallocated
        return entries

    def snapshot(self, offset):
        path = self.files.get("snapshot", {}).get(offset)
        if path is None:
            return
        self.snapshots_seen.add(offset)
        content = read(path)
        version, crc, count = struct.unpack_from(">hIi", content)
        if not self.report.check(version == 1 and crc == crc32c(content[6:]) and len(content) == 10 + 46 * count, path,
                                 f"version {version}, {count} entries in {len(content)} bytes, or another checksum"):
            return
        entries = {entry[0]: entry[1:] for entry in struct.iter_unpack(">qhiqiqiq", content[10:])}
        self.report.check(len(entries) == count, path, "a producer stands there twice")
        if not self.is_compacted and self.bases[0] == 0:
            expected = {producer_id: producer.entry() for producer_id, producer in self.producers.items()}
            self.report.check(entries == expected, path, f"the log says {expected}, and it has {entries}")

    def bounds(self, end):
        key = (self.topic, self.number)
        recovery = self.checkpoints["recovery-point-offset-checkpoint"].get(key, 0)
        high = self.checkpoints["replication-offset-checkpoint"].get(key, 0)
        opened = [producer.open_since for producer in self.producers.values() if producer.open_since >= 0]
        self.report.check(self.bases[0] <= self.start <= end, self.path, f"log start {self.start} is not between {self.bases[0]} and {end}")
        self.report.check(recovery <= end, self.path, f"recovery point {recovery} is beyond the end {end}")
        self.report.check(high <= end, self.path, f"high watermark {high} is beyond the end {end}")
        self.report.say("L", self.topic, self.number, self.start, end, min(opened + [end]), recovery, high)


def text(field):
    return "-" if field is None else base64.b64encode(field).decode("ascii")


def read_directory(directory, report):
    path = os.path.join(directory, "meta.properties")
    meta = properties(path)
    report.check(meta.get("version") == "1" and meta.get("node.id", "").isdigit() and meta.get("cluster.id")
                 and UUID.match(meta.get("directory.id", "")), path, f"not what it must have: {meta}")
    checkpoints = {}
    for name in CHECKPOINTS:
        path = os.path.join(directory, name)
        found = lines_of(path, (str, int, int), report) if os.path.exists(path) else []
        checkpoints[name] = {(topic, number): offset for topic, number, offset in found}
        report.check(len(checkpoints[name]) == len(found), path, "a partition stands there twice")
    path = os.path.join(directory, ".kafka_cleanshutdown")
    if os.path.exists(path):
        content = json.loads(read(path))
        report.check(content["version"] == 0 and isinstance(content["brokerEpoch"], int), path, f"not a clean shutdown: {content}")
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        match = re.match(r"(.+)-(\d+)$", name)
        if not os.path.isdir(path) or not match:
            continue
        if name == "__cluster_metadata-0":
            read_quorum(path, report)
        else:
            Partition(path, match.group(1), int(match.group(2)), checkpoints, report).read()


def read_quorum(directory, report):
    """The metadata log and its snapshots: whole batches, whose snapshots begin and end as they must."""
    path = os.path.join(directory, "quorum-state")
    state = json.loads(read(path))
    report.check(state["data_version"] in (0, 1) and isinstance(state["leaderEpoch"], int), path, f"not a quorum's state: {state}")
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if not name.endswith((".log", ".checkpoint")):
            continue
        try:
            batches = list(Batches(read(path)))
            kinds = [struct.unpack(">hh", batch.records[0].key)[1] for batch in batches if batch.is_control]
            if name.endswith(".checkpoint"):
                report.check(re.match(r"\d{20}-\d{10}\.checkpoint$", name) and kinds and kinds[0] == 3 and kinds[-1] == 4, path,
                             f"a snapshot whose control records are {kinds}")
            else:
                report.check(all(kind in (2, 3, 4, 5, 6) for kind in kinds), path, f"control records {kinds}")
                offsets = [record.offset for batch in batches for record in batch.records]
                report.check(offsets == list(range(int(name[:20]), int(name[:20]) + len(offsets))), path, "offsets are not gapless")
        except Broken as fault:
            report.check(False, path, fault)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--topics", type=lambda topics: topics.split(","))
    arguments = parser.parse_args()
    report = Report(arguments.topics)
    read_directory(arguments.directory, report)
    print("E", *(f"{kind}={count}" for kind, count in sorted(report.counts.items())))
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
