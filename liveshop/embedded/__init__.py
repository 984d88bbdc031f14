"""PostgreSQL and Valkey from Python wheels, for the demo, development and the tests.

Nothing has to be installed on the machine and no port is opened: both servers listen on private
unix sockets only. `urls` says where they would be; `lease` starts them or joins those that run.
They stop when the last lease is gone, however it went.
"""

from liveshop.embedded.errors import EmbeddedError
from liveshop.embedded.leases import Lease, lease, reset
from liveshop.embedded.places import Urls, default_state, urls

__all__ = ["EmbeddedError", "Lease", "Urls", "default_state", "lease", "reset", "urls"]
