"""`python -m shops.payments.sandbox`: run the sandbox provider on this machine."""

import argparse
import logging
import os
import sys
from pathlib import Path

import uvicorn
from standardwebhooks import Webhook

from shops.payments.sandbox.app import Config, make_app
from shops.payments.sandbox.keys import TRIAL_SECRET


def main() -> None:
    site = os.environ.get("SITE_URL", "http://127.0.0.1:8000")
    folder = Path(os.environ.get("LIVESHOP_STATE", ".liveshop"))
    parser = argparse.ArgumentParser(prog="python -m shops.payments.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument(
        "--webhook-url",
        default=f"{site.rstrip('/')}/payments/webhooks/sandbox/",
        help="where news of charges and refunds go (default: from SITE_URL)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=folder / "sandbox" / "provider.sqlite3",
        help="the file with all charges (default: in LIVESHOP_STATE)",
    )
    parser.add_argument("--delay", type=float, default=3.0, help="seconds of tok_delay")
    parser.add_argument("--stall", type=float, default=10.0, help="seconds of tok_timeout")
    parser.add_argument("--late", type=float, default=20.0, help="seconds of tok_webhook_late")
    parser.add_argument(
        "--charge-back", type=float, default=60.0, help="seconds until tok_chargeback charges back"
    )
    given = parser.parse_args()
    trial = "" if os.environ.get("LIVESHOP_ENV") == "production" else TRIAL_SECRET
    secret = os.environ.get("PAYMENTS_SANDBOX_SECRET") or trial
    try:
        Webhook(secret)
    except Exception:
        sys.exit("PAYMENTS_SANDBOX_SECRET must be set to a webhook secret (whsec_…).")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    config = Config(
        secret=secret,
        webhook_url=given.webhook_url,
        state=given.state,
        delay=given.delay,
        stall=given.stall,
        late=given.late,
        charge_back=given.charge_back,
    )
    uvicorn.run(
        make_app(config),
        host="127.0.0.1",
        port=given.port,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
