"""What the stock room does about facts: mails to who waits."""

from datetime import datetime
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from shops.stock.events import WaitlistEnded, WaitlistOffered
from shops.stock.models import EntryState, WaitlistEntry


def mail_offer(fact: WaitlistOffered, *, event_id: int, now: datetime) -> None:
    """Mail somebody that what they waited for is kept for them now; too late is not at all."""
    entry = _entry(fact.entry_id)
    if entry.is_offered and fact.until > now:
        _mail(entry, "offer", event_id=event_id)


def mail_offer_over(fact: WaitlistEnded, *, event_id: int, now: datetime) -> None:
    """Mail somebody that their offer ran out; how else it ended is what they did themselves."""
    if fact.state == EntryState.EXPIRED:
        _mail(_entry(fact.entry_id), "offer_over", event_id=event_id)


def _entry(entry_id: int) -> WaitlistEntry:
    return WaitlistEntry.objects.select_related("user", "sku__product__shop").get(pk=entry_id)


def _mail(entry: WaitlistEntry, name: str, *, event_id: int) -> None:
    title = str(entry.sku)
    subjects = {
        "offer": gettext("%(title)s is here for you"),
        "offer_over": gettext("Your time for %(title)s is over"),
    }
    body = render_to_string(
        f"stock/mail/{name}.txt",
        {
            "entry": entry,
            "title": title,
            "link": urljoin(settings.SITE_URL, reverse("stock:waitlist")),
            "product_link": urljoin(settings.SITE_URL, entry.sku.product.url),
        },
    )
    EmailMessage(
        subject=" ".join((subjects[name] % {"title": title}).split()),
        body=body,
        to=[entry.user.email],
        # A mail system that gets the same fact twice may tell so by this.
        headers={"Message-ID": f"<stock-{name.replace('_', '-')}-{event_id}@liveshop>"},
    ).send()
