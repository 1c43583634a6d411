"""Settings: read from the environment once; everything a biller can change lives in its tables."""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from billfold import bankdays
from billfold.platform import state_directory
from billfold.platform.postgres import logins
from billfold.platform.postgres.logins import Login

STATE_DIR = state_directory.default()
MODE = os.environ.get("BILLFOLD_MODE", "demo")
"""demo: movable clock and simulated bank · test: the same, for the suite · live: neither."""
if MODE not in {"demo", "test", "live"}:
    raise SystemExit(f"BILLFOLD_MODE is {MODE!r}; use demo, test or live.")
IS_LIVE = MODE == "live"
try:
    bankdays.ACH.extra_closings.update(
        bankdays.parse_closings(os.environ.get("BILLFOLD_EXTRA_CLOSINGS", ""))
    )
except bankdays.InvalidClosing as refusal:
    raise SystemExit(f"BILLFOLD_EXTRA_CLOSINGS: {refusal} is no day such as 2027-01-09.") from None


def _whole_number(name: str, default: int, *, at_most: int) -> int:
    """Read a setting that is a whole number of 1 or more."""
    text = os.environ.get(name, str(default))
    if not (re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= at_most):
        raise SystemExit(f"{name} is {text[:40]!r}; use a whole number from 1 to {at_most}.")
    return int(text)


bankdays.ACH.published_through = _whole_number(
    "BILLFOLD_CALENDAR_THROUGH", bankdays.PUBLISHED_THROUGH, at_most=2099
)
UPLOAD_FILES_A_DAY = _whole_number("BILLFOLD_UPLOAD_FILES_A_DAY", 100, at_most=1_000_000)
UPLOAD_MEGABYTES_A_DAY = _whole_number("BILLFOLD_UPLOAD_MEGABYTES_A_DAY", 200, at_most=1_000_000)


def _secret_key() -> str:
    """Read the web secret from the key folder; made by `billfold init` or the demo."""
    path = STATE_DIR / "keys" / "web-secret"
    return path.read_text().strip() if path.is_file() else "unset: run billfold init"


def _database(login: Login, url: str) -> dict[str, object]:
    """Turn a login's address into Django's setting; a socket folder may stand in `?host=`."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if login is Login.PROOF:  # Whatever the server says of it.
        options["options"] = f"{options.get('options', '')} -c default_transaction_read_only=on"
    return {
        "ENGINE": "billfold.platform.postgres.backend",
        "NAME": parts.path.lstrip("/") or "billfold",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # Statements that come again are planned once for each connection.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 3, **options},
        "TEST": {"NAME": parts.path.lstrip("/") or "billfold"},
    }


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = ["*"]  # The tenancy middleware answers 404 to a host that is in no biller's list.
DATABASE_URLS = logins.read_addresses(os.environ, is_live=IS_LIVE)
DATABASES = {login.value: _database(login, url) for login, url in DATABASE_URLS.items()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "billfold.platform",
    "billfold.people",
    "billfold.ledger",
    "billfold.notices",
    "billfold.receivables",
    "billfold.banking",
    "billfold.payments",
    "billfold.pages",
    "billfold.portal",
    "billfold.office",
    *([] if IS_LIVE else ["billfold.simulator"]),
]

MIDDLEWARE = [
    "billfold.platform.tenancy.Middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "billfold.platform.web.ResponseHeaders",
    "billfold.pages.biller_context.BillerTimeZone",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "billfold.portal.password_page.RequirePasswordChange",
]

ROOT_URLCONF = "billfold.config.urls"
WSGI_APPLICATION = "billfold.config.wsgi.application"
CSRF_FAILURE_VIEW = "billfold.pages.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "billfold.pages.biller_context.biller_variables",
                *([] if IS_LIVE else ["billfold.simulator.context.clock_bar"]),
            ],
        },
    }
]

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["billfold.people.authentication.ByEmail"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
if MODE == "test":  # Slow hashes protect stolen passwords; the suite has none to protect.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"

SESSION_COOKIE_AGE = 60 * 60 * 8
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_LIVE
SESSION_COOKIE_NAME = "__Host-session" if IS_LIVE else "session"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf" if IS_LIVE else "csrftoken"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_LIVE else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_LIVE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_HANDLERS = ["billfold.platform.web.NoUploads"]  # A page that takes a file sets its own.

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

EMAIL_BACKEND = os.environ.get(
    "BILLFOLD_MAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend"
    if IS_LIVE
    else "django.core.mail.backends.locmem.EmailBackend",
)
EMAIL_HOST = os.environ.get("BILLFOLD_MAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("BILLFOLD_MAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("BILLFOLD_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("BILLFOLD_MAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("BILLFOLD_MAIL_TLS", "") == "1"
EMAIL_TIMEOUT = 20

MOST_FAILURES = _whole_number("BILLFOLD_MOST_FAILURES", 5, at_most=1000)
"""Failures after which an item, such as a letter or a received file, is parked."""

SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # The proxy redirects to TLS; see docs/operating.md.
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "billfold.platform.log_lines.MaskedFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"billfold": {"level": "INFO"}},
}
