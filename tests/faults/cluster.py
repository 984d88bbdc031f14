"""A Valkey Cluster of a test's own: three nodes without replicas, each of which may be killed."""

import contextlib
import time

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as ALL
from redis.crc import key_slot

from tests.faults.valkey import OwnValkey
from tests.servers import free_port

NODES = 3
EACH = ALL // NODES + 1  # slots


class OwnNode(OwnValkey):
    """Started again it is empty, but knows the others and its slots: they are in its file."""

    def __init__(self, folder, number):
        self.bus_port = free_port()
        super().__init__(
            folder / f"node-{number}.log",
            *("--dir", str(folder)),
            # Where a replica keeps what it is given.
            *("--dbfilename", f"node-{number}.rdb"),
            *("--cluster-enabled", "yes"),
            *("--cluster-config-file", str(folder / f"node-{number}.conf")),
            *("--cluster-port", str(self.bus_port)),
            *("--cluster-node-timeout", "1000"),
            # The others go on without a node.
            *("--cluster-require-full-coverage", "no"),
        )
        self.client = redis.Redis.from_url(self.url)

    def holds(self, slot):
        """Tell whether it is the one to ask for a slot, as far as it knows."""
        for first, last, (_, port, *_), *_ in self.client.execute_command("CLUSTER SLOTS"):
            if first <= slot <= last:
                return port == self.port
        return False


class OwnCluster:
    def __init__(self, folder):
        self.nodes = [OwnNode(folder, number) for number in range(NODES)]
        self.url = self.nodes[0].url

    def start(self):
        for node in self.nodes:
            node.start()
        for number, node in enumerate(self.nodes):
            first, last = number * EACH, min((number + 1) * EACH, ALL) - 1
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self._introduce(node)
        self.wait()
        return self

    def wait(self, seconds=20):
        """Wait until all know all."""
        deadline = time.monotonic() + seconds
        while not all(map(self._knows_all, self.nodes)):
            assert time.monotonic() < deadline, "the cluster is not whole"
            time.sleep(0.02)

    def _knows_all(self, node):
        with contextlib.suppress(redis.RedisError):
            answer = node.client.execute_command("CLUSTER", "INFO")
            told = dict(line.split(":") for line in answer.decode().split())
            return (told["cluster_state"], int(told["cluster_slots_ok"])) == ("ok", ALL)
        return False

    def holder(self, room):
        """Return the node that a room is on."""
        return self.nodes[key_slot(room.encode()) // EACH]

    def rooms(self, kind="live"):
        """Name a room on each node, in their order."""
        found = {}
        number = 1
        while len(found) < NODES:
            name = f"{kind}:{number}"
            found.setdefault(self.nodes.index(self.holder(name)), name)
            number += 1
        return [found[number] for number in range(NODES)]

    def add_replica(self, folder, primary):
        """Have a node more that takes a primary's place when that is lost."""
        replica = OwnNode(folder, len(self.nodes)).start()
        self.nodes.append(replica)
        self._introduce(replica)
        name = primary.client.execute_command("CLUSTER", "MYID")
        deadline = time.monotonic() + 10
        while True:
            assert time.monotonic() < deadline, "it is no replica"
            with contextlib.suppress(redis.RedisError):
                replica.client.execute_command("CLUSTER", "REPLICATE", name)
                break
            time.sleep(0.05)
        while replica.client.info("replication").get("master_link_status") != "up":
            assert time.monotonic() < deadline, "it has no copy"
            time.sleep(0.05)
        self.wait()
        return replica

    def _introduce(self, node):
        self.nodes[0].client.execute_command(
            "CLUSTER", "MEET", "127.0.0.1", node.port, node.bus_port
        )

    def move(self, room, node):
        """Have another node hold the slot of a room, with all that is in it."""
        slot = key_slot(room.encode())
        name = node.client.execute_command("CLUSTER", "MYID")
        holder = next(one for one in self.nodes if one.holds(slot))
        holder.client.execute_command(
            *("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
        )
        deadline = time.monotonic() + 10
        while not (node.holds(slot) and not holder.holds(slot)):
            assert time.monotonic() < deadline, "the slot was not moved"
            time.sleep(0.02)

    def stop(self):
        for node in self.nodes:
            node.client.close()
            node.stop()
