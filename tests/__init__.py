"""The tests, laid out like `relay/`. Start with test_journey.py."""

import gc

# Thousands of modules and tests are made and stay: looking through all of them again and again for
# what nobody needs any more takes a tenth of the time, and finds little.
gc.set_threshold(50_000, 20, 50)
