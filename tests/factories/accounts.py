"""Users for tests."""

import factory
from factory.django import DjangoModelFactory

from shops.accounts.models import Address, User

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@test.example")
    display_name = factory.Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class, *args, password=PASSWORD, **fields):
        user = model_class(*args, **fields)
        user.set_password(password)
        user.save(force_insert=True)
        return user


class AddressFactory(DjangoModelFactory):
    class Meta:
        model = Address

    user = factory.SubFactory(UserFactory)
    full_name = "Alice Rossi"
    line1 = "Via Roma 1"
    postal_code = "00100"
    city = "Roma"
    country = "IT"
    is_default = True
