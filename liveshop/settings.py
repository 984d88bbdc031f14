"""Every setting of liveshop, read from the environment; the README's table lists them.

Without DATABASE_URL and REDIS_URL the embedded servers of `liveshop.embedded` are used.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from liveshop import embedded, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- What kind of installation this is -------------------------------------------------------
# LIVESHOP_ENV: "demo" (default: this machine only), "test" or "production".
LIVESHOP_ENV: str = env.str("LIVESHOP_ENV", default="demo")
IS_PRODUCTION = LIVESHOP_ENV == "production"
DEBUG = env.bool("DEBUG", default=False)
STATE_DIR = Path(env.str("LIVESHOP_STATE", default=str(BASE_DIR / ".liveshop")))


def _kept_secrets() -> dict[str, str]:
    """Read what `manage.py demo` made for its own: commands beside it must sign as it does."""
    try:
        kept: dict[str, str] = json.loads((STATE_DIR / "demo-secrets").read_text())
    except (OSError, ValueError):
        return {}
    return kept if LIVESHOP_ENV == "demo" else {}


def _secret(name: str, *, trial: str) -> str:
    """Return a secret from the environment; only demo and tests do with a trial one."""
    value: str = env.str(name, default="") or _kept_secrets().get(name, "")
    if value:
        return value
    if IS_PRODUCTION:
        raise ImproperlyConfigured(f"{name} must be set when LIVESHOP_ENV=production")
    return trial


SECRET_KEY = _secret(
    "SECRET_KEY", trial="insecure-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdef"
)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
# SITE_URL: how browsers reach the site; links in e-mails and the provider's webhooks use it.
SITE_URL: str = env.str("SITE_URL", default="http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- The rooms, lowest floor first -----------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_linear_migrations",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "procrastinate.contrib.django",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "shops.facts",
    "shops.accounts",
    "shops.ledger",
    "shops.catalog",
    "shops.stock",
    "shops.feeds",
    "shops.pricing",
    "shops.orders",
    "shops.payments",
    "shops.returns",
    "shops.payouts",
    "shops.checkout",
    "shops.webhooks",
    "creators.profiles",
    "creators.social",
    "creators.media",
    "creators.pieces",
    "creators.audience",
    "creators.chat",
    "creators.live",
    "creators.scoring",
    "creators.stage",
    "liveshop",
]

MIDDLEWARE = [
    "liveshop.traffic.TrafficMiddleware",
    "liveshop.probes.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "liveshop.middleware.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "liveshop.sparing.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shops.accounts.sessions.UserMiddleware",
    "liveshop.sparing.MessagesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "liveshop.middleware.RefusedMiddleware",
]

ROOT_URLCONF = "liveshop.urls"
ASGI_APPLICATION = "liveshop.asgi.application"
FACTS_WIRING = "liveshop.wiring.TABLE"
# Who tells the shops, which know nothing of shows, whether a sale is credited to what it names.
REFERRAL_JUDGE = "creators.live.access.credited"
# Who is owed the commission of a referral, who a user is among those who are owed some, and how
# they are called.
COMMISSION_PAYEE = "creators.pieces.referral.payee_of"
COMMISSION_PAYEE_OF_USER = "creators.profiles.queries.payee_of_user"
COMMISSION_PAYEE_NAMES = "creators.profiles.queries.payee_names"
# Who tells the shops which sales travel together: those of one show.
PARCEL_GROUP = "creators.pieces.referral.show_of"
# What the frame of a page asks, for views that ask it along with what is theirs.
FRAME = "liveshop.frame.Menu"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "liveshop.folding.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "liveshop.frame.frame",
                "liveshop.tokens.csrf",
            ],
        },
    }
]

FORM_RENDERER = "liveshop.drawing.Inputs"

# --- Servers ---------------------------------------------------------------------------------
DATABASE_URL: str = env.str("DATABASE_URL", default="") or embedded.urls(STATE_DIR).database
REDIS_URL: str = env.str("REDIS_URL", default="") or embedded.urls(STATE_DIR).redis
# REDIS_CLUSTER: REDIS_URL is one node of a cluster, which tells of the others.
REDIS_CLUSTER = env.bool("REDIS_CLUSTER", default=False)
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url_config(DATABASE_URL)}
# It sees to it that a connection that the server has closed is replaced, not handed to a request.
DATABASES["default"]["ENGINE"] = "shops.facts.postgresql"
DATABASES["default"]["CONN_MAX_AGE"] = 0
# DATABASE_POOL: connections that one web process may hold open; 0 turns the pool off (PgBouncer).
_pool_size = env.int("DATABASE_POOL", default=0 if LIVESHOP_ENV == "test" else 20)
# The pool's pauses between tries to connect double; it begins anew after `reconnect_timeout`
# seconds, so that requests are served soon after the server is back, however long it was away.
_POOL = {"min_size": 2, "timeout": 4, "reconnect_timeout": 5}
# Connections of our own keep the plans of what every order asks; PgBouncer's are anybody's. A plan
# is made once, for any values: PostgreSQL by itself would make most of them anew each time, since
# it can't tell how long an array is. (A partial index's condition must be written out for that.)
# What DATABASE_URL says to the server (`?options=`) it says, too.
_said: dict[str, Any] = DATABASES["default"].get("OPTIONS", {})
_OWN = {
    "prepare_threshold": 5,
    "options": f"-c plan_cache_mode=force_generic_plan {_said.get('options', '')}".rstrip(),
}
# A database behind a network that swallows packets is given up, not waited for by the minute.
_NETWORK = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# WEB_THREADS: requests that one web process answers at a time; the others wait for their turn.
WEB_THREADS = env.int("WEB_THREADS", default=64)
DATABASES["default"]["OPTIONS"] = {
    **_NETWORK,
    **_said,
    **(_OWN | {"pool": _POOL | {"max_size": _pool_size}} if _pool_size else {}),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "shops.accounts.sessions"
# Nothing in this cache is truth: it may be flushed at any moment.
CACHES = {
    "default": {
        "BACKEND": "liveshop.cache.ForgetfulCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1},
    }
}
# Channels routes and authenticates sockets; rooms go over creators.stage.hub, not over a layer.
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {}

# --- Sign-in ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if LIVESHOP_ENV == "test"
    else [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="optional")
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_FORMS = {"signup": "shops.accounts.forms.SignupForm"}
ACCOUNT_ADAPTER = "shops.webhooks.adapter.AccountAdapter"
# Sign-in attempts are limited in production; a crowd behind one address signs in during a demo.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = (
    {"login_failed": "10/m/ip,5/300s/key", "signup": "20/m/ip"} if IS_PRODUCTION else False
)
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = STATE_DIR / "mail"
# A mail server that is silent must not keep the jobs behind a mail waiting.
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="liveshop <shop@localhost>")

# --- Money -----------------------------------------------------------------------------------
# PLATFORM_FEE_BPS, COMMISSION_BPS: basis points frozen on each order line when it is placed.
PLATFORM_FEE_BPS = env.int("PLATFORM_FEE_BPS", default=500)
COMMISSION_BPS = env.int("COMMISSION_BPS", default=1000)
# SETTLE_AFTER_DAYS: an order's money is released so long after its delivery, less what is held
# back of the seller's part: RESERVE_BPS of it, for RESERVE_DAYS more.
SETTLE_AFTER_DAYS = env.int("SETTLE_AFTER_DAYS", default=7)
RESERVE_BPS = env.int("RESERVE_BPS", default=500)
RESERVE_DAYS = env.int("RESERVE_DAYS", default=30)
# FUND_BPS: what the creators' fund gets of the platform's fee.
FUND_BPS = env.int("FUND_BPS", default=1000)
# PAYOUT_WAY: "file" (a table for the bank) or "sandbox"; PAYOUT_MINIMUM in whole units of the
# currency; PAYOUT_WEEKDAYS: on which days (0: Monday) payouts begin by themselves; empty: never.
PAYOUT_WAY: str = env.str("PAYOUT_WAY", default="file")
PAYOUT_MINIMUM = env.int("PAYOUT_MINIMUM", default=10)
PAYOUT_WEEKDAYS: list[int] = env.list("PAYOUT_WEEKDAYS", cast=int, default=[0])
# How long a cart line's stock is kept for a quote, and how much is left at least when ordering.
HOLD_SECONDS = env.int("HOLD_SECONDS", default=600)
# How long an offer of the waitlist is kept for whose turn it is.
WAITLIST_OFFER_SECONDS = env.int("WAITLIST_OFFER_SECONDS", default=600)
HOLD_RENEW_BELOW_SECONDS = 120
# REMORSE_SECONDS: how long after paying a buyer cancels freely; 0: the shop has it at once. The
# demo's is short, so that one sees it end.
REMORSE_SECONDS = env.int("REMORSE_SECONDS", default=60 if LIVESHOP_ENV == "demo" else 3600)
# Days: until an unshipped order is cancelled and given back; until one counts as delivered when
# no carrier tells; until a delivered one is completed, and nothing can be sent back any more.
SHIP_WITHIN_DAYS = env.int("SHIP_WITHIN_DAYS", default=7)
DELIVERED_AFTER_DAYS = env.int("DELIVERED_AFTER_DAYS", default=21)
RETURN_WINDOW_DAYS = env.int("RETURN_WINDOW_DAYS", default=14)
# CARRIER_WEBHOOK_SECRET: who may tell, signed, how parcels stand; empty: nobody but the shops.
CARRIER_WEBHOOK_SECRET: str = env.str("CARRIER_WEBHOOK_SECRET", default="")
# PAYMENT_PROVIDER: "sandbox" or "stripe", for new payments; old ones stay where they were made.
PAYMENT_PROVIDER: str = env.str("PAYMENT_PROVIDER", default="sandbox")
PAYMENTS_SANDBOX_URL = env.str("PAYMENTS_SANDBOX_URL", default="http://127.0.0.1:8001")
# Who pays elsewhere in production needs no sandbox; without a secret it has no door here.
PAYMENTS_SANDBOX_SECRET = (
    env.str("PAYMENTS_SANDBOX_SECRET", default="")
    if IS_PRODUCTION and PAYMENT_PROVIDER != "sandbox"
    else _secret(
        "PAYMENTS_SANDBOX_SECRET", trial="whsec_bGl2ZXNob3AtZGVtby1hbmQtdGVzdC1vbmx5ISEhIQ=="
    )
)
PAYMENTS_TIMEOUT_SECONDS = env.float("PAYMENTS_TIMEOUT_SECONDS", default=5.0)
# PAYMENT_CAPTURE: "auto", or "manual": cards are authorised, and people capture all or a part.
PAYMENT_CAPTURE: str = env.str("PAYMENT_CAPTURE", default="auto")
STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET: str = env.str("STRIPE_WEBHOOK_SECRET", default="")
# STRIPE_API_BASE: another address than Stripe's own, such as a trial server's.
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", default="")
if PAYMENT_PROVIDER not in ("sandbox", "stripe"):
    raise ImproperlyConfigured("PAYMENT_PROVIDER must be sandbox or stripe")
if PAYMENT_CAPTURE not in ("auto", "manual"):
    raise ImproperlyConfigured("PAYMENT_CAPTURE must be auto or manual")
if PAYMENT_PROVIDER == "stripe" and not (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET):
    raise ImproperlyConfigured("Stripe needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET")

# --- Returns ---------------------------------------------------------------------------------
# Days until silence answers: the shop's (a request is approved, arrived goods are refunded), the
# buyer's (approved goods are never sent), the shop's again (sent goods never noted: disputable).
RETURN_SILENCE_DAYS = env.int("RETURN_SILENCE_DAYS", default=3)
RETURN_SEND_DAYS = env.int("RETURN_SEND_DAYS", default=14)
RETURN_ARRIVAL_DAYS = env.int("RETURN_ARRIVAL_DAYS", default=10)
# How long a buyer may dispute a decision, the shop may answer, the operators may take to decide.
DISPUTE_DAYS = env.int("DISPUTE_DAYS", default=7)
DISPUTE_ANSWER_DAYS = env.int("DISPUTE_ANSWER_DAYS", default=3)
DISPUTE_DECIDE_DAYS = env.int("DISPUTE_DECIDE_DAYS", default=7)

# --- API and webhooks -------------------------------------------------------------------------
# WEBHOOKS_ALLOW_LOOPBACK: outgoing webhooks may go to this machine, and by plain HTTP: for trials.
WEBHOOKS_ALLOW_LOOPBACK = env.bool("WEBHOOKS_ALLOW_LOOPBACK", default=False)

# --- Stage -----------------------------------------------------------------------------------
STAGE_WINDOW_MS = env.int("STAGE_WINDOW_MS", default=50)
STAGE_HISTORY = env.int("STAGE_HISTORY", default=1000)
# STAGE_FAST_PATH: hand ready frames to the server's transport where that is known to be safe.
STAGE_FAST_PATH = env.bool("STAGE_FAST_PATH", default=True)
# How many sockets one process takes, in all, of one address and of one user (or browser).
STAGE_MAX_SOCKETS = env.int("STAGE_MAX_SOCKETS", default=20_000)
STAGE_SOCKETS_PER_ADDRESS = env.int("STAGE_SOCKETS_PER_ADDRESS", default=2_000)
STAGE_SOCKETS_PER_USER = env.int("STAGE_SOCKETS_PER_USER", default=30)
# STAGE_CHAT_RATE: lines a second above which a room's chat is sampled; its page says so.
STAGE_CHAT_RATE = env.int("STAGE_CHAT_RATE", default=1000)
# TRUSTED_PROXIES: addresses and networks whose X-Forwarded-For tells who a client is.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
# METRICS_TOKEN: who may read /metrics from elsewhere than this machine.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
CHAT_MAX_LENGTH = 300

# --- Video -----------------------------------------------------------------------------------
# ORIGIN_URL: how browsers reach `manage.py origin`; RTMP_URL: where encoders send to.
ORIGIN_URL: str = env.str("ORIGIN_URL", default="http://127.0.0.1:8002").rstrip("/")
RTMP_URL: str = env.str("RTMP_URL", default="rtmp://127.0.0.1:1935/live").rstrip("/")
# PLAYBACK_URL: where viewers find a playlist; `{stream}` is the stream's id, `{token}` what opens a
# private one ("" or a path segment with its slash). It points to another
# media server or to a CDN; empty: our origin.
PLAYBACK_URL: str = env.str("PLAYBACK_URL", default="")
# What a publisher may send: kilobits a second, pixels of a picture, minutes of a run.
STREAM_MAX_KBPS = env.int("STREAM_MAX_KBPS", default=8000)
STREAM_MAX_PIXELS = env.int("STREAM_MAX_PIXELS", default=1920 * 1088)
STREAM_MAX_MINUTES = env.int("STREAM_MAX_MINUTES", default=720)
# RENDITIONS: more than the source's picture, for those who have the CPU: "480p", "audio".
RENDITIONS: list[str] = env.list("RENDITIONS", default=[])
# What the origin keeps on its own disk: the last segments of each stream, and until it is stored.
ORIGIN_DIR = Path(env.str("ORIGIN_DIR", default=str(STATE_DIR / "origin")))
ORIGIN_DISK_MB = env.int("ORIGIN_DISK_MB", default=4096)
ORIGIN_STREAM_DISK_MB = env.int("ORIGIN_STREAM_DISK_MB", default=1024)

# --- Shows -----------------------------------------------------------------------------------
# Minutes until a show without a picture ends by itself: after the picture was lost and the host
# went away; after its planned end when no picture ever came; after it began, with the host there.
SHOW_AWAY_MINUTES = env.int("SHOW_AWAY_MINUTES", default=10)
SHOW_OVERTIME_MINUTES = env.int("SHOW_OVERTIME_MINUTES", default=60)
SHOW_LONGEST_MINUTES = env.int("SHOW_LONGEST_MINUTES", default=720)

# --- Files, languages, times -----------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "liveshop.npm.NpmFinder",
]
# Third-party browser files: name under /static/ -> file of node_modules/ (nothing else is exposed).
NPM_ROOT = BASE_DIR / "node_modules"
NPM_STATIC = {
    "vendor/hls.js": "hls.js/dist/hls.light.min.mjs",
    # The file above names it, and collecting files insists on what is named.
    "vendor/hls.light.min.mjs.map": "hls.js/dist/hls.light.min.mjs.map",
    "vendor/htmx.js": "htmx.org/dist/htmx.min.js",
    "vendor/idiomorph.js": "idiomorph/dist/idiomorph-ext.min.js",
}
# Without collectstatic: files are looked for where they lie, whenever they are asked for.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not IS_PRODUCTION
# RECORDINGS_BUCKET: an S3-compatible bucket for recordings (keys by AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY); empty: a folder, which the origin serves.
RECORDINGS_BUCKET: str = env.str("RECORDINGS_BUCKET", default="")
RECORDINGS_ENDPOINT: str = env.str("RECORDINGS_ENDPOINT", default="")
RECORDINGS_DIR = Path(env.str("RECORDINGS_DIR", default=str(STATE_DIR / "recordings")))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
STORAGES["recordings"] = (
    {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": RECORDINGS_BUCKET,
            "endpoint_url": RECORDINGS_ENDPOINT or None,
            "file_overwrite": True,
            "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
            "querystring_expire": 6 * 3600,
        },
    }
    if RECORDINGS_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": RECORDINGS_DIR,
            "base_url": f"{ORIGIN_URL}/recordings/",
            "allow_overwrite": True,
        },
    }
)
# PRIVATE_DIR: pictures that only some may see (of returned goods); nothing serves this folder.
STORAGES["private"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": Path(env.str("PRIVATE_DIR", default=str(STATE_DIR / "private"))),
        "base_url": None,
    },
}
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(STATE_DIR / "media")))
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French")), ("it", _("Italian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Trust -----------------------------------------------------------------------------------
_VIDEO_SOURCES = sorted(
    {
        f"{parts.scheme}://{parts.netloc}"
        for parts in map(urlsplit, (ORIGIN_URL, PLAYBACK_URL, RECORDINGS_ENDPOINT))
        if parts.netloc
    }
)
# Cameras send over a websocket to the origin.
_INGEST = ORIGIN_URL.replace("http", "ws", 1)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "https:", *_VIDEO_SOURCES],
        "media-src": [SELF, "blob:", *_VIDEO_SOURCES],
        "connect-src": [SELF, _INGEST, *_VIDEO_SOURCES],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

REST_FRAMEWORK = {
    # The first one names what is missing: a request without either is answered 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shops.webhooks.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["shops.webhooks.permissions.MayAsk"],
    "DEFAULT_THROTTLE_CLASSES": ["shops.webhooks.limits.PerMinute"],
    "DEFAULT_PARSER_CLASSES": ["shops.facts.parsers.StrictParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "liveshop.api.Schema",
    "EXCEPTION_HANDLER": "liveshop.api.problem_details",
}
# API_REQUESTS_PER_MINUTE: what one token, or one user's browser, may ask in a minute; 0: no limit.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "liveshop",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    # What a PATCH needs, it needs.
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "shops.orders.models.OrderState",
        "ParcelState": "shops.orders.models.ParcelState",
        "PaymentState": "shops.payments.models.PaymentState",
        "RefundState": "shops.payments.models.RefundState",
        "PayoutState": "shops.payouts.models.PayoutState",
        "QuoteState": "shops.checkout.models.Quote.State",
        "ReturnState": "shops.returns.states.ReturnState",
        "ReturnReason": "shops.returns.states.ReturnReason",
        "DisputeState": "shops.returns.states.DisputeState",
        "MessageState": "shops.webhooks.models.MessageState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "liveshop.api.with_problems",
    ],
}

# LOG_FORMAT: "line" for people or "json" for machines, an object a line.
LOGGING = logs.configuration(
    style=env.str("LOG_FORMAT", default="line"), level=env.str("LOG_LEVEL", default="INFO")
)
