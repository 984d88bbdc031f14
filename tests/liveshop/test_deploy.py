"""The production settings: whole, or they say what is missing."""

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

PRODUCTION = {
    "LIVESHOP_ENV": "production",
    "SECRET_KEY": "k" * 20 + "0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
    "PAYMENTS_SANDBOX_SECRET": "whsec_dGhlIHNlY3JldCBvZiBhIHRlc3Qgb25seSE=",
    "ALLOWED_HOSTS": "shop.example",
    "SITE_URL": "https://shop.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def manage(*arguments, without=(), **more):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    given = {name: value for name, value in PRODUCTION.items() if name not in without} | more
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**kept, **given},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_deployment_check_finds_nothing():
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", ["SECRET_KEY", "PAYMENTS_SANDBOX_SECRET"])
def test_production_does_not_start_without_its_secrets(name):
    done = manage("check", without=[name])
    assert done.returncode != 0
    assert f"{name} must be set" in done.stderr


def test_every_file_of_the_base_page_is_collected_under_its_hashed_name(tmp_path):
    done = manage("collectstatic", "--noinput", STATIC_ROOT=str(tmp_path))
    assert done.returncode == 0, done.stderr
    hashed = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    base = (settings.BASE_DIR / "templates" / "base.html").read_text()
    wanted = re.findall(r"{% static '([^']+)' %}", base)
    assert "vendor/htmx.js" in wanted
    assert [name for name in wanted if name not in hashed] == []
    assert (tmp_path / hashed["liveshop/css/tokens.css"]).is_file()


def test_cookies_of_production_are_for_https_only():
    code = """
import json
from django.conf import settings
names = (
    "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
    "CSRF_COOKIE_SECURE", "CSRF_COOKIE_SAMESITE", "SECURE_SSL_REDIRECT",
    "SECURE_CONTENT_TYPE_NOSNIFF", "X_FRAME_OPTIONS", "DEBUG",
)
print(json.dumps({name: getattr(settings, name) for name in names}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "liveshop.settings",
            **PRODUCTION,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SECURE_SSL_REDIRECT": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "X_FRAME_OPTIONS": "DENY",
        "DEBUG": False,
    }


@pytest.mark.parametrize("pool", ["0", "20"])
def test_what_the_address_of_the_database_says_to_the_server_is_kept(pool):
    code = """
from django.conf import settings
print(settings.DATABASES["default"]["OPTIONS"]["options"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "liveshop.settings",
            **PRODUCTION,
            "DATABASE_URL": PRODUCTION["DATABASE_URL"] + "?options=-c%20search_path%3Dmine",
            "DATABASE_POOL": pool,
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert "-c search_path=mine" in done.stdout
    assert ("-c plan_cache_mode=force_generic_plan" in done.stdout) is (pool != "0")
