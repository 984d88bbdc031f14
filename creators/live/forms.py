"""The forms with which a creator plans a show, changes it, and uploads captions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from creators.live.models import LiveSession
from creators.live.queries import partner_products
from creators.live.services import LARGEST_BAG, LONGEST_SHOW_MINUTES
from creators.profiles.models import Creator
from shops.catalog.models import Category, Product

LARGEST_CAPTIONS = 2 * 1024 * 1024


class ShowForm(forms.Form):
    """`zone` is the browser's time zone, filled in by the page's script; UTC without it."""

    title = forms.CharField(
        label=_("Title"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    cover = forms.FileField(
        label=_("Cover"),
        required=False,
        help_text=_(
            "A JPEG, PNG or WebP of up to 8 MB. It stands where there is no picture yet;"
            " upright looks best."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    category = forms.ModelChoiceField(
        label=_("Category"),
        queryset=Category.objects.order_by("position", "name"),
        required=False,
        empty_label=_("None"),
    )
    language = forms.ChoiceField(
        label=_("Spoken language"), choices=settings.LANGUAGES, initial=get_language
    )
    visibility = forms.ChoiceField(
        label=_("Who may watch"),
        choices=LiveSession.Visibility.choices,
        initial=LiveSession.Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )
    starts_at = forms.CharField(
        label=_("Starts at"),
        required=False,
        help_text=_("In UTC. Leave it empty to go live as soon as you like."),
        widget=forms.TextInput(attrs={"type": "datetime-local", "data-zone-time": ""}),
    )
    zone = forms.CharField(
        required=False, max_length=60, widget=forms.HiddenInput(attrs={"data-zone": ""})
    )
    planned_minutes = forms.IntegerField(
        label=_("Planned length in minutes"),
        min_value=5,
        max_value=LONGEST_SHOW_MINUTES,
        initial=60,
    )
    products = forms.ModelMultipleChoiceField(
        label=_("Products in the bag"),
        queryset=Product.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("One of the products can't be shown by you.")},
    )

    # Of a show that is changed: what it keeps when the field is left empty.
    planned_at: datetime | None = None

    def __init__(self, *args: Any, creator: Creator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.data, QueryDict):
            # Of a page that was open since before there were these fields.
            data = self.data.copy()
            data.setdefault("language", get_language() or settings.LANGUAGE_CODE)
            data.setdefault("visibility", LiveSession.Visibility.PUBLIC)
            self.data = data
        products = self.fields["products"]
        assert isinstance(products, forms.ModelMultipleChoiceField)  # noqa: S101  # for mypy
        products.queryset = partner_products(creator)

    def clean_zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.cleaned_data["zone"] or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        typed = data.get("starts_at", "")
        now = timezone.now()
        data["starts_at"] = now
        if typed:
            try:
                local = datetime.fromisoformat(typed)
                zone = data.get("zone") or ZoneInfo("UTC")
                at = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
            except (ValueError, OverflowError):
                self.add_error("starts_at", _("That is not a date and time."))
                return data
            planned = self.planned_at
            if planned is not None and at == planned.replace(second=0, microsecond=0):
                at = planned
            elif not now - timedelta(minutes=5) <= at <= now + timedelta(days=365):
                self.add_error("starts_at", _("Choose a time from now on, within a year."))
            data["starts_at"] = at
        elif self.planned_at is not None:
            data["starts_at"] = self.planned_at
        if len(data.get("products") or ()) > LARGEST_BAG:
            self.add_error("products", _("A bag has 100 products at most."))
        return data


class ChangeForm(ShowForm):
    """The same for a show that is planned; its bag is changed in the console."""

    drop_cover = forms.BooleanField(label=_("Take the cover off"), required=False)
    field_order = ("title", "cover", "drop_cover")

    def __init__(self, *args: Any, session: LiveSession, **kwargs: Any) -> None:
        piece = session.piece
        self.planned_at = session.scheduled_at
        kwargs["initial"] = {
            "title": piece.title,
            "category": piece.category_id,
            "language": piece.language,
            "visibility": session.visibility,
            "planned_minutes": session.planned_minutes,
            "starts_at": session.scheduled_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M"),
        }
        super().__init__(*args, creator=piece.creator, **kwargs)
        del self.fields["products"]
        if not session.cover:
            del self.fields["drop_cover"]
        starts_at = self.fields["starts_at"]
        starts_at.help_text = _("In UTC.")
        if not self.is_bound:
            # The script writes it in the browser's own zone.
            starts_at.widget.attrs["data-utc"] = kwargs["initial"]["starts_at"] + "Z"


class CaptionsForm(forms.Form):
    """A WebVTT file; `file` becomes its text."""

    language = forms.ChoiceField(label=_("Language of the captions"), choices=settings.LANGUAGES)
    file = forms.FileField(
        label=_("WebVTT file"), widget=forms.FileInput(attrs={"accept": ".vtt,text/vtt"})
    )

    def clean_file(self) -> str:
        upload: UploadedFile[Any] = self.cleaned_data["file"]
        if upload.size is None or upload.size > LARGEST_CAPTIONS:
            raise forms.ValidationError(_("That file is too large: 2 MB at most."))
        try:
            return bytes(upload.read()).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("That file is not UTF-8 text.")) from None
