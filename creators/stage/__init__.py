"""The live page in real time: sockets, hub, wire messages, snapshots."""
