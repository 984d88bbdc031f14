"""Pages and the API, a line per room."""

from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from liveshop import views
from shops.accounts.views import logout

admin.site.site_header = admin.site.site_title = _("liveshop administration")

handler500 = "liveshop.views.server_error"

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.icon),
    # Before the files: what another media server asks.
    path("media/", include("creators.media.urls")),
    path("media/<path:name>", views.stored, name="stored"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    # Before allauth's own, which doesn't tell anybody that a session has ended.
    path("accounts/logout/", logout, name="account_logout"),
    path("accounts/", include("allauth.urls")),
    path("account/", include("shops.accounts.urls")),
    path("", include("shops.webhooks.urls")),
    path("payments/", include("shops.payments.urls")),
    path("", include("creators.scoring.urls")),
    path("", include("shops.returns.urls")),
    path("", include("shops.orders.urls")),
    path("", include("shops.payouts.urls")),
    path("", include("shops.checkout.urls")),
    path("", include("shops.catalog.urls")),
    path("", include("shops.stock.urls")),
    path("", include("shops.pricing.urls")),
    path("", include("shops.feeds.urls")),
    path("", include("creators.live.urls")),
    path("", include("creators.stage.urls")),
    path("", include("creators.chat.urls")),
    path("", include("creators.chat.moderation.urls")),
    path("", include("creators.audience.urls")),
    path("", include("creators.profiles.urls")),
    path("", include("creators.social.urls")),
    # Last: it answers whatever else begins with "api/" in the API's way.
    path("api/", include("liveshop.api_urls")),
]
