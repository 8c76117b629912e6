"""The tests, laid out like `relay/`. Start with test_journey.py."""
