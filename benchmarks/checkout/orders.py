"""A process of the bench: whole orders by the rooms' services, from the hold to "paid".

For each buyer: a quote of what is in the cart (with the hold), the order, and the provider's report
that it is paid. Prints what came of it as JSON.
"""

import gc
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from benchmarks.checkout.goods import ADDRESS  # noqa: E402
from shops.accounts.models import User  # noqa: E402
from shops.accounts.services import AddressFields  # noqa: E402
from shops.checkout import services as checkout  # noqa: E402
from shops.checkout.owner import CartOwner  # noqa: E402
from shops.payments import services as payments  # noqa: E402
from shops.payments.models import PaymentState  # noqa: E402
from shops.payments.wire import ChargeReport  # noqa: E402


def order(buyer: User) -> None:
    """Order what a buyer's cart holds, and have it paid."""
    now = datetime.now(UTC)
    quote = checkout.start_quote(owner=CartOwner(user_id=buyer.pk), now=now)
    placed = checkout.place_order(
        quote_id=quote.pk,
        buyer=buyer,
        address=AddressFields(**ADDRESS),  # type: ignore[typeddict-item]
        card_token="tok_success",  # noqa: S106
        now=now,
    )
    payment = placed.payment
    report = ChargeReport(
        key=str(payment.pk),
        ref=f"ch_{payment.pk.hex}",
        state="succeeded",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )
    paid = payments.apply(payment_id=payment.pk, report=report, now=now)
    if paid.state != PaymentState.CAPTURED:
        raise RuntimeError(f"payment {payment.pk} is {paid.state}")


def run(*, user_ids: list[int], threads: int) -> dict[str, Any]:
    buyers = list(User.objects.filter(pk__in=user_ids).order_by("pk"))
    ready = threading.Barrier(threads)
    took: list[float] = []

    def shop(part: int) -> None:
        ready.wait(60)
        for buyer in buyers[part::threads]:
            began = time.perf_counter()
            try:
                order(buyer)
            finally:
                connection.close()  # as at the end of a request
            took.append(time.perf_counter() - began)

    connection.close()
    with ThreadPoolExecutor(threads) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began, cpu = time.time(), time.process_time()
        list(pool.map(shop, range(threads)))
    took.sort()
    return {
        "began": began,
        "ended": time.time(),
        "cpu": time.process_time() - cpu,
        "took": [round(one, 5) for one in took],
    }


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    gc.freeze()
    found = run(**asked)
    print(json.dumps(found), flush=True)
    # Threads that wait for work are not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
