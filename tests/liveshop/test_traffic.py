"""Each request has an id, a line, and is counted; no line holds what must not be in a log."""

import contextvars
import io
import json
import logging
import logging.config

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from liveshop import logs
from shops.facts import tracing

LOOPBACK = "127.0.0.1"


def counted(view, *, method="GET", status=200):
    labels = {"view": view, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("liveshop_http_requests_total", labels) or 0


@pytest.fixture(params=["line", "json"])
def written(request):
    """What our handler writes in one of its two styles."""
    configuration = logs.configuration(style=request.param, level="INFO")
    configurator = logging.config.DictConfigurator(configuration)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(
        configurator.configure_formatter(configuration["formatters"][request.param])
    )
    for name in configuration["handlers"]["console"]["filters"]:
        handler.addFilter(configurator.configure_filter(configuration["filters"][name]))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: handler.stream.getvalue()
    root.removeHandler(handler)
    root.setLevel(level)


# --- Ids --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_request_gets_an_id_of_its_own(client):
    first, second = (client.get("/cart/").headers["X-Request-ID"] for _ in range(2))

    assert tracing.is_sane(first)
    assert first != second


@pytest.mark.parametrize(
    ("proxies", "given", "is_kept"),
    [
        (["127.0.0.0/8"], "edge-7f3a.00001", True),
        (["10.0.0.0/8"], "edge-7f3a.00001", False),
        ([], "edge-7f3a.00001", False),
        ([LOOPBACK], "short", False),
        ([LOOPBACK], "x" * 65, False),
        ([LOOPBACK], "two\tlines of nonsense", False),
        ([LOOPBACK], 'a"},{"level":"x', False),
    ],
)
@pytest.mark.django_db
def test_only_a_proxy_of_ours_may_name_a_request(client, settings, proxies, given, is_kept):
    settings.TRUSTED_PROXIES = proxies

    answer = client.get("/livez", headers={"X-Request-ID": given})

    assert (answer.headers["X-Request-ID"] == given) == is_kept


@pytest.mark.django_db
def test_an_id_ends_with_its_request(client):
    client.get("/cart/")

    assert tracing.request_id.get() == ""


# --- Figures ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_requests_are_counted_by_view(client):
    before = counted("home"), counted("home", method="OTHER", status=405)
    client.get("/")
    client.generic("BREW", "/")

    assert (counted("home"), counted("home", method="OTHER", status=405)) == (
        before[0] + 1,
        before[1] + 1,
    )


@pytest.mark.django_db
def test_unknown_paths_have_one_label(client):
    before = counted("(none)", status=404)
    for path in ("/a-hushed-way/", "/another/", "/x/y/z"):
        client.get(path)

    assert counted("(none)", status=404) == before + 3
    names = {sample.labels.get("view") for m in REGISTRY.collect() for sample in m.samples}
    assert not [name for name in names if name and "hushed" in name]


# --- Lines ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_request_has_one_line_with_its_route_and_id(client, written):
    name = client.get("/live/123456/?token=hush").headers["X-Request-ID"]
    lines = [line for line in written().splitlines() if "liveshop.traffic" in line]

    assert len(lines) == 1
    assert "/live/<int:piece_id>/" in lines[0]
    assert name in lines[0]
    assert "404" in lines[0]
    assert "hush" not in written()
    assert "123456" not in written()


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_json_lines_are_objects_with_what_one_looks_for(client, written):
    name = client.get("/cart/").headers["X-Request-ID"]
    said = [json.loads(line) for line in written().splitlines()]
    mine = next(line for line in said if line["logger"] == "liveshop.traffic")

    assert mine["request_id"] == name
    assert (mine["method"], mine["route"], mine["status"]) == ("GET", "/cart/", 200)
    assert mine["ms"] >= 0
    assert mine["level"] == "INFO"
    assert mine["at"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/static/liveshop/nothing.css"])
def test_machines_questions_and_files_make_no_line(client, written, path):
    client.get(path)

    assert "liveshop.traffic" not in written()


@pytest.mark.django_db
def test_a_failure_is_logged_with_the_id_and_without_the_path(client, written, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("of alice@test.example with Bearer abc.def")

    monkeypatch.setattr("liveshop.home.live_cards", fail)
    client.raise_request_exception = False
    name = client.get("/?invite=hush").headers["X-Request-ID"]
    failure = next(line for line in written().splitlines() if "Internal Server Error" in line)

    assert name in failure
    assert "ZeroDivisionError" in written()
    for secret in ("hush", "alice@", "abc.def"):
        assert secret not in written()


@pytest.mark.parametrize(
    "secret",
    [
        "alice.b+shop@test.example",
        "postgresql://shop:hush@db.example:5432/shop",
        "whsec_bGl2ZXNob3A=",
        "Authorization: Bearer 0123.abc-def",
        "Cookie: sessionid=abcdefgh; a=b",
        "/live/7/?token=abcdefgh",
        "password=hush",
    ],
)
def test_secrets_are_taken_out(written, secret):
    logging.getLogger("somebody").warning("it said %s", secret)

    for part in ("alice", "hush", "bGl2", "0123.abc", "abcdefgh"):
        assert part not in written()
    assert "it said" in written()


PIECES = st.sampled_from(
    [
        *("alice@test.example", "@", ".", " ", "=", "hush", "whsec_abc", "WHSEC_", "bearer"),
        *("BEARER x", "Session", "id=", "csrftoken=", "pass", "word=", "KEY", "key=", "signature"),
        # Letters that are an s and a k to who doesn't mind their case.
        *("\u017fecret=", "\u212aey=", "to\u212aen=", "\u1e9e", "\u0130"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=6).map("".join))
def test_no_secret_is_overlooked_in_haste(text):
    assert logs.without_secrets(text) == logs._SECRETS.sub(logs.HIDDEN, text)


def test_long_texts_are_searched_quickly(written):
    """A pattern that went back over everything would take minutes here."""
    logging.getLogger("somebody").warning("a" * 200_000)

    assert len(written()) > 200_000


def test_a_websockets_lines_name_it(written):
    def serve():
        name = tracing.begin_connection()
        logging.getLogger("somebody").info("a message")
        return name

    name = contextvars.copy_context().run(serve)
    assert name in written()
    logging.getLogger("somebody").info("outside")
    assert name not in written().splitlines()[-1]


def test_there_are_two_styles_only():
    with pytest.raises(ValueError, match="LOG_FORMAT"):
        logs.configuration(style="xml", level="INFO")
