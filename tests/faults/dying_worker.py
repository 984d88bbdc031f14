"""The job worker, which dies at a step."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveshop.settings")
    import django
    from django.core.management import call_command

    django.setup()
    from tests.faults import dying

    dying.rig()
    sys.exit(call_command("procrastinate", "worker", "--concurrency", "1"))
