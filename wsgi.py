"""The web application for a WSGI server: `gunicorn wsgi:app`."""

import gc
import os
import sys

from relay import memory
from relay.app import create_app
from relay.composition import build
from relay.policy import names
from relay.settings import Settings, SettingsError

memory.give_back()

try:
    app = create_app(build(Settings.from_environment(os.environ), serving=True))
except SettingsError as error:
    sys.exit(f"The settings are not complete:\n{error}")

names.warm()  # read before the first mail waits for it

gc.collect()
gc.freeze()  # what is here now stays, and need not be looked through for garbage again and again
