"""The protocol's document, for programs and for people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creators.stage.asyncapi import as_yaml, page
from creators.stage.asyncapi.document import close_codes
from creators.stage.asyncapi.source import meaning
from creators.stage.wire import Close


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(as_yaml(), content_type="application/yaml; charset=utf-8")


@require_safe
def protocol(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "stage/protocol.html",
        {
            "chapters": page.CHAPTERS,
            "sections": page.sections(),
            "codes": close_codes(),
            "codes_lead": meaning(Close).split("\n\n"),
        },
    )
