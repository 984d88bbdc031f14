"""Sends the demo's studio over RTMP to $RTMP_URL by $BENCH_RTMP_KEY until it is ended."""

import os
import signal
import time

from liveshop.demo.encoder import Encoder, Fell, rtmp_output
from liveshop.demo.picture import FPS, Product, Studio
from liveshop.demo.sound import RATE, Loop
from liveshop.embedded.children import die_with_parent


def main() -> None:
    die_with_parent(signal.SIGTERM, parent=os.getppid())
    studio, loop = Studio(poster="table-for-eight"), Loop()
    studio.show(studio.card(Product("What the bench shows")), ms=0)
    samples = RATE // FPS
    output = rtmp_output(os.environ["RTMP_URL"], os.environ["BENCH_RTMP_KEY"])
    with Encoder(studio, output) as encoder:
        began, began_ms, number = time.monotonic(), round(time.time() * 1000), 0
        while True:
            time.sleep(max(0.0, began + number / FPS - time.monotonic()))
            frame = studio.frame(round(time.time() * 1000))
            encoder.write(frame, loop.part(began_ms, skip=number * samples, samples=samples))
            number += 1


if __name__ == "__main__":
    try:
        main()
    except Fell as error:
        raise SystemExit(str(error)) from error
