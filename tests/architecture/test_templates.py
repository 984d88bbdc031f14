"""What templates must not say."""

from django.conf import settings


def test_no_page_hides_its_origin_from_the_sites_own_forms():
    # Browsers then send "Origin: null" with a form, and the guard against forged requests refuses.
    # SECURE_REFERRER_POLICY keeps addresses from other sites already.
    folder = settings.BASE_DIR / "templates"
    pages = sorted(folder.rglob("*.html"))
    assert pages
    found = [page.relative_to(folder) for page in pages if 'name="referrer"' in page.read_text()]
    assert not found
    assert settings.SECURE_REFERRER_POLICY == "same-origin"
