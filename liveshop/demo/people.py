"""Who the demo knows: the cast, two more creators, and fifty who watch and buy."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from creators.profiles.models import Creator
from creators.profiles.services import become_creator
from shops.accounts.models import Grant, Role, User
from shops.accounts.services import AddressFields, add_address
from shops.catalog.models import Category, Shop, ShopStaff

DOMAIN: Final = "demo.example"
CROWD_SIZE: Final = 50
# scoring.md's categories (IAB Content Taxonomy).
CATEGORIES: Final = (
    ("beauty", "Beauty"),
    ("fashion", "Fashion"),
    ("cooking", "Cooking"),
    ("gaming", "Gaming"),
    ("automotive", "Automotive"),
    ("sports", "Sports"),
    ("music", "Music"),
    ("film-tv", "Film & TV"),
    ("books", "Books"),
    ("health", "Health"),
    ("pets", "Pets"),
    ("travel", "Travel"),
)
# name → (name shown, role, address)
CAST: Final[dict[str, tuple[str, Role | None, tuple[str, str, str, str]]]] = {
    "alice": ("Alice", None, ("Via dei Serpenti 12", "00184", "Roma", "IT")),
    "bob": ("Bob", Role.CREATOR, ("Via Maqueda 8", "90133", "Palermo", "IT")),
    "carol": ("Carol", Role.SELLER, ("Corso Garibaldi 40", "20121", "Milano", "IT")),
    "dave": ("Dave", Role.BRAND, ("Via Po 3", "10124", "Torino", "IT")),
    "erin": ("Erin", None, ("Rue des Martyrs 21", "75009", "Paris", "FR")),
    "olga": ("Olga", Role.OPERATOR, ("Via Zamboni 5", "40126", "Bologna", "IT")),
    "mira": ("Mira", Role.CREATOR, ("Via Toledo 77", "80134", "Napoli", "IT")),
    "noor": ("Noor", Role.CREATOR, ("Rue Mercière 9", "69002", "Lyon", "FR")),
}


@dataclass(frozen=True)
class Host:
    user: str
    handle: str
    name: str
    bio: str
    category: str
    avatar: str


HOSTS: Final = (
    Host(
        "bob",
        "bob",
        "Bob Bellacosa",
        "I try things until they break, and then I tell you which ones did not.",
        "home",
        "tommaso",
    ),
    Host(
        "mira",
        "mira-makes",
        "Mira Makes",
        "Small rooms, soft colours. Everything I show has lived with me for a month first.",
        "fashion",
        "mira",
    ),
    Host(
        "noor",
        "noor-grows",
        "Noor Grows",
        "Fourth floor, two square metres of balcony, nine kinds of tomato.",
        "garden",
        "noor",
    ),
)
FIRST_NAMES: Final = (
    "Ada", "Aldo", "Amélie", "Anouk", "Bea", "Bruno", "Carlo", "Chiara", "Dario", "Diane",
    "Edda", "Elio", "Emma", "Fabio", "Fleur", "Franca", "Gaia", "Gildo", "Greta", "Hugo",
    "Ines", "Ivo", "Jade", "Jonas", "Kim", "Lara", "Léo", "Lia", "Luca", "Maddalena",
    "Marco", "Nadia", "Nico", "Noé", "Olivia", "Omar", "Paola", "Pia", "Quentin", "Rita",
    "Rosa", "Sami", "Silvia", "Théo", "Tina", "Ugo", "Vera", "Vito", "Wanda", "Zoe",
)  # fmt: skip
# No hash is this, so nobody can sign in with it.
_NOT_SET: Final = "!"
_STREETS: Final = ("Via Verdi", "Via Dante", "Via Manin", "Via Sale", "Via Alta", "Via Lunga")
_TOWNS: Final = (
    ("00153", "Roma"), ("20144", "Milano"), ("10122", "Torino"), ("50122", "Firenze"),
    ("30121", "Venezia"), ("40125", "Bologna"), ("80138", "Napoli"), ("16123", "Genova"),
)  # fmt: skip


def email(name: str) -> str:
    return f"{name}@{DOMAIN}"


def crowd_name(number: int) -> str:
    return f"crowd{number:02d}"


@transaction.atomic
def seed_people(*, password: str, now: datetime) -> None:
    """Make everybody who is missing, and let all sign in with this password."""
    for name, (shown, role, place) in CAST.items():
        user = _user(name, shown, now=now)
        if role is not None:
            Grant.objects.get_or_create(user=user, role=role)
        _address(user, f"{shown} {name.title()[0]}.", place, now=now)
    User.objects.filter(email=email("olga")).update(is_staff=True, is_superuser=True)
    for number in range(1, CROWD_SIZE + 1):
        shown = FIRST_NAMES[(number - 1) % len(FIRST_NAMES)]
        user = _user(crowd_name(number), shown, now=now)
        street = f"{_STREETS[number % len(_STREETS)]} {number}"
        code, town = _TOWNS[number % len(_TOWNS)]
        _address(user, f"{shown} Demo", (street, code, town, "IT"), now=now)
    _set_password(password)


def seed_categories() -> None:
    for position, (slug, name) in enumerate(CATEGORIES, start=1):
        Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position})


@transaction.atomic
def seed_creators(*, now: datetime) -> dict[str, Creator]:
    """Make the hosts partners of all shops, and carol the shops' staff; return them by handle."""
    carol = User.objects.get(email=email("carol"))
    for shop in Shop.objects.all():
        ShopStaff.objects.get_or_create(shop=shop, user=carol)
    categories = dict(Category.objects.values_list("slug", "pk"))
    found = {}
    for host in HOSTS:
        user = User.objects.get(email=email(host.user))
        creator = Creator.objects.filter(user=user).first() or become_creator(
            user=user,
            handle=host.handle,
            name=host.name,
            bio=host.bio,
            category_id=categories.get(host.category),
            now=now - timedelta(days=45),
        )
        avatar = f"liveshop/demo/creators/{host.avatar}.svg"
        Creator.objects.filter(pk=creator.pk).exclude(avatar_path=avatar).update(avatar_path=avatar)
        for shop in Shop.objects.all():
            creator.partner_shops.get_or_create(shop=shop, defaults={"since": now})
        found[host.handle] = creator
    return found


def _user(name: str, shown: str, *, now: datetime) -> User:
    user, _created = User.objects.get_or_create(
        email=email(name),
        defaults={
            "display_name": shown,
            "birth_date": date(1990, 5, 17),
            "password": _NOT_SET,
            "date_joined": now - timedelta(days=60),
        },
    )
    return user


def _address(user: User, full_name: str, place: tuple[str, str, str, str], now: datetime) -> None:
    if user.addresses.exists():
        return
    line1, code, town, country = place
    fields = AddressFields(
        full_name=full_name,
        line1=line1,
        line2="",
        postal_code=code,
        city=town,
        region="",
        country=country,
        phone="",
    )
    add_address(user=user, fields=fields, as_default=True, now=now)


def _set_password(password: str) -> None:
    """Hash once for all: fifty hashes of a good function would take the demo seconds."""
    alice = User.objects.get(email=email("alice"))
    demo = User.objects.filter(email__endswith=f"@{DOMAIN}")
    if check_password(password, alice.password) and not demo.filter(password=_NOT_SET).exists():
        return
    demo.update(password=make_password(password))
