"""A provider of the tests that says what it was told to, piece by piece."""

import socket
import threading
import time
from contextlib import suppress

import pytest


def answer(body, status=b"200 OK"):
    """Write an answer of HTTP as it goes over the wire."""
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


@pytest.fixture
def serve():
    """serve([connection, …]): each is a list of answers, each a list of pieces and pauses."""
    doors = []

    def start(script):
        door = socket.create_server(("127.0.0.1", 0))
        doors.append(door)

        def talk(answers):
            line, _ = door.accept()
            with line:
                for pieces in answers:
                    if not line.recv(65_536):
                        return
                    for piece in pieces:
                        time.sleep(piece) if isinstance(piece, float) else line.sendall(piece)
                line.settimeout(1)
                line.recv(1)

        def run():
            for answers in script:
                with suppress(OSError):
                    talk(answers)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{door.getsockname()[1]}"

    yield start
    for door in doors:
        door.close()
