"""Sweepers: quotes, unpaid purchases and guests' links whose time is over."""

from procrastinate.contrib.django import app

from shops.checkout import services
from shops.stock.queries import database_now


@app.periodic(cron="* * * * * */20")
@app.task(name="checkout.close_quotes", queue="sweepers", queueing_lock="checkout.close_quotes")
def close_quotes(timestamp: int) -> None:
    services.close_due_quotes(now=database_now())


@app.periodic(cron="* * * * * */30")
@app.task(
    name="checkout.expire_purchases", queue="sweepers", queueing_lock="checkout.expire_purchases"
)
def expire_purchases(timestamp: int) -> None:
    services.expire_due_purchases(now=database_now())


@app.periodic(cron="40 3 * * *")
@app.task(name="checkout.forget_links", queue="sweepers", queueing_lock="checkout.forget_links")
def forget_links(timestamp: int) -> None:
    services.forget_old_links(now=database_now())
