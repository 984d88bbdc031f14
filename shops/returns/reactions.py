"""What the returns room does about facts: mails to both sides, and how refunds have ended."""

import uuid
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from shops.accounts.models import User
from shops.payments.events import RefundCameBack, RefundFailed, RefundSucceeded
from shops.payments.models import Refund
from shops.returns.events import ReturnChanged
from shops.returns.models import ReturnEvent
from shops.returns.refunds import end
from shops.returns.states import RefundState


def send_mails(fact: ReturnChanged, *, event_id: int, now: datetime) -> None:
    """Tell the buyer and the shop's staff what happened to a return."""
    event = ReturnEvent.objects.select_related("case__order__shop", "case__buyer").get(
        pk=fact.event_id
    )
    case = event.case
    shop = case.order.shop
    shop_page = reverse("returns:shop_case", args=[shop.slug, case.pk])
    staff = User.objects.filter(staff_of__shop=shop, is_active=True).order_by("pk")
    to = [(case.buyer, reverse("returns:case", args=[case.pk]))]
    to += [(user, shop_page) for user in staff if user.pk != case.buyer_id]
    for user, page in to:
        body = render_to_string(
            "returns/mail/changed.txt",
            {
                "event": event,
                "case": case,
                "name": user.display_name or user.email,
                "link": f"{settings.SITE_URL.rstrip('/')}{page}",
            },
        )
        EmailMessage(
            subject=gettext("Return of order %(number)s: %(what)s")
            % {"number": case.order.number, "what": event.get_kind_display()},
            body=body,
            to=[user.email],
            headers={"Message-ID": f"<return-{event_id}-{user.pk}@liveshop>"},
        ).send()


def note_refund(fact: RefundSucceeded, *, event_id: int, now: datetime) -> None:
    """Note that the money of a return has gone back."""
    end(source=_source(fact.refund_id), to=RefundState.PAID, now=now)


def note_failure(fact: RefundFailed | RefundCameBack, *, event_id: int, now: datetime) -> None:
    """Note that the money of a return did not reach the buyer: at once, or after all."""
    end(source=_source(fact.refund_id), to=RefundState.FAILED, now=now)


def _source(refund_id: str) -> str:
    return Refund.objects.values_list("source", flat=True).get(pk=uuid.UUID(refund_id))
