"""The sandbox's own pages: the "bank" that asks its customer, and a charge's receipt.

Everybody who has the address may open them, as with a bank's: the name in it can't be guessed.
"""

import time
from decimal import Decimal
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from shops.payments.sandbox.records import Charge, NotPossible
from shops.payments.sandbox.store import Store

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-block-size: 100vh; display: grid; place-items: center; }
main { box-sizing: border-box; inline-size: min(26rem, 100% - 2rem); padding: 1.5rem;
  border: 1px solid #8886; border-radius: 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.amount { font-size: 1.75rem; font-weight: 600; }
form { display: grid; gap: .75rem; margin-block-start: 1.25rem; }
button { font: inherit; padding: .75rem; border-radius: .75rem; border: 1px solid #8888;
  background: Canvas; color: CanvasText; cursor: pointer; min-block-size: 3rem; }
button[value=confirm] { background: #1550d0; color: #fff; border-color: #1550d0; }
"""
# Decimal places where they are not two (ISO 4217), by the provider's own book.
_PLACES = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page_routes(store: Store) -> list[Route]:
    async def style(request: Request) -> Response:
        return Response(_STYLE, media_type="text/css")

    async def ask(request: Request) -> Response:
        found = store.charge_page(request.path_params["ref"])
        if found is None:
            return _page("Not found", "<p>There is no such payment.</p>", status=404)
        charge, return_url, description = found
        if charge.state != "requires_action":
            return _back(charge, return_url)
        body = (
            f"<p>A shop wants to be paid for {escape(description) or 'your order'}.</p>"
            f'<p class="amount">{_amount(charge)}</p>'
            '<form method="post">'
            '<button name="answer" value="confirm">Confirm</button>'
            '<button name="answer" value="refuse">Refuse</button></form>'
        )
        return _page("Your bank asks: is it you?", body)

    async def answer(request: Request) -> Response:
        given = (await request.body())[:200].decode("ascii", "replace")
        if given not in ("answer=confirm", "answer=refuse"):
            return _page("Sorry", "<p>Confirm or refuse?</p>", status=400)
        ref = request.path_params["ref"]
        store.answer_buyer(ref, confirms=given == "answer=confirm", now=time.time())
        found = store.charge_page(ref)
        if found is None:
            return _page("Not found", "<p>There is no such payment.</p>", status=404)
        return _back(found[0], found[1])

    async def receipt(request: Request) -> Response:
        found = store.charge_page(request.path_params["ref"])
        if found is None:
            return _page("Not found", "<p>There is no such payment.</p>", status=404)
        charge, _return_url, description = found
        body = f'<p>{escape(description)}</p><p class="amount">{_amount(charge)}</p>'
        body += f"<p>{escape(charge.state)} {escape(charge.failure_code)}</p>"
        taken = store.charge_back_of(charge.key)
        if taken is not None:
            body += f"<p>charged back{', and won' if taken.is_won else ''}</p>"
        if taken is not None and not taken.is_won:
            body += _button("win", "Decide for the shop, and give the money back")
        elif taken is None and charge.state == "succeeded":
            body += _button("back", "Charge it back, as the buyer's bank would")
        if store.last_refund(charge.key):
            body += _button("fail", "Send its last refund back, as a closed account would")
        return _page(f"Payment {charge.ref[:11]}…", body)

    async def decide(request: Request) -> Response:
        found = store.charge_page(request.path_params["ref"])
        if found is None:
            return _page("Not found", "<p>There is no such payment.</p>", status=404)
        key, now = found[0].key, time.time()
        try:
            answer = (await request.body())[:200]
            refund = store.last_refund(key)
            if answer == b"answer=win":
                store.win(key, now=now)
                title = "Given back to the shop"
            elif answer == b"answer=fail" and refund:
                store.fail_refund(refund.key, now=now)
                title = "Sent back"
            else:
                store.charge_back(key, reason="fraudulent", now=now)
                title = "Charged back"
        except NotPossible as no:
            return _page("Sorry", f"<p>That is not possible: {no.code}.</p>", status=409)
        return _page(title, f'<p class="amount">{_amount(found[0])}</p>')

    return [
        Route("/style.css", style),
        Route("/3ds/{ref}", ask),
        Route("/3ds/{ref}", answer, methods=["POST"]),
        Route("/charges/{ref}", receipt),
        Route("/charges/{ref}", decide, methods=["POST"]),
    ]


def _button(answer: str, label: str) -> str:
    button = f'<button name="answer" value="{answer}">{escape(label)}</button>'
    return f'<form method="post">{button}</form>'


def _back(charge: Charge, return_url: str) -> Response:
    if return_url:
        return RedirectResponse(return_url, status_code=303, headers=_HEADERS)
    return _page("Thank you", f"<p>This payment is {escape(charge.state)}.</p>")


def _amount(charge: Charge) -> str:
    places = _PLACES.get(charge.currency, 2)
    number = f"{Decimal(charge.amount_minor).scaleb(-places):,.{places}f}"
    return f"{number} {escape(charge.currency)}"


def _page(title: str, body: str, *, status: int = 200) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/style.css"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}"
        "<p><small>A bank for trials: no real money moves here.</small></p></main></body></html>",
        status_code=status,
        headers=_HEADERS,
    )
