"""Scenarios that nobody wrote the rules for: other sizes, other mixes, young and old."""

from __future__ import annotations

SHOP = """
      - {name: receipts, stream: transactional, source: woocommerce, per_day: 100, hours: 7-23,
         new_people: 40%, invalid: 0.6%, complaints: 0.01%}
      - {name: resets, stream: transactional, source: wordpress, security: true, per_day: 8}"""

GOOD = {
    "a busy shop": """
days: 30
sites:
  - name: Site
    age: 500
    delivered: 300000
    mail:
      - {name: receipts, stream: transactional, source: woocommerce, per_day: 3000, hours: 6-24,
         new_people: 40%, invalid: 0.8%, complaints: 0.01%}
      - {name: resets, stream: transactional, source: wordpress, security: true, per_day: 60}
""",
    "a large newsletter": """
days: 60
sites:
  - name: Site
    age: 900
    delivered: 900000
    plan: business
    mail:
      - {name: newsletter, stream: marketing, source: mailpoet, send: 40000, every: 7, hours: 8-9,
         invalid: 0.4%, complaints: 0.02%, unsubscribes: 0.3%}
""",
    "a middling newsletter": """
days: 90
sites:
  - name: Site
    age: 900
    delivered: 90000
    mail:
      - {name: newsletter, stream: marketing, source: mailpoet, send: 2000, every: 7, hours: 8-9,
         invalid: 0.5%, complaints: 0.02%, unsubscribes: 0.3%}
""",
    "a club of 25": """
days: 90
sites:
  - name: Site
    age: 60
    delivered: 100
    mail:
      - {name: letter, stream: marketing, source: mailpoet, send: 25, every: 14, hours: 18-19,
         exactly: {invalid: 1}}
      - {name: comments, stream: notification, source: bbpress, per_day: 3, invalid: 1%}
""",
    "a small site that moves here": """
days: 60
sites:
  - name: Site
    age: 0
    delivered: 0
    mail:
      - {name: receipts, stream: transactional, source: woocommerce, per_day: 60, hours: 7-23,
         new_people: 50%, invalid: 0.8%, complaints: 0.01%}
      - {name: newsletter, stream: marketing, source: mailpoet, send: 600, every: 7, hours: 8-9,
         invalid: 0.6%, complaints: 0.01%, unsubscribes: 0.4%}
""",
    "a young shop of some size": """
days: 30
sites:
  - name: Site
    age: 1
    delivered: 0
    declared_daily: 1000
    first_contacts: 200
    mail:
      - {name: receipts, stream: transactional, source: woocommerce, per_day: 300, hours: 6-24,
         new_people: 50%, invalid: 1%}
""",
    "a forum": """
days: 30
sites:
  - name: Site
    age: 300
    delivered: 50000
    mail:
      - {name: replies, stream: notification, source: bbpress, per_day: 900, hours: 6-24,
         invalid: 0.3%, complaints: 0.01%, unsubscribes: 0.1%}
      - {name: resets, stream: transactional, source: wordpress, security: true, per_day: 15}
""",
    "companies behind strict gateways": """
days: 60
sites:
  - name: Site
    age: 300
    delivered: 50000
    mail:
      - {name: newsletter, stream: marketing, source: mailpoet, send: 6000, every: 7, hours: 8-9,
         to: {microsoft-365: 55%, proofpoint: 25%, mimecast: 10%}, refused: 11%, invalid: 0.9%,
         complaints: 0.01%}
""",
    "a sale": """
days: 40
sites:
  - name: Site
    age: 300
    delivered: 50000
    declared_daily: 1500
    mail:
      - {name: receipts, stream: transactional, source: woocommerce, hours: 7-23, new_people: 50%,
         per_day: {1: 100, 19: 100, 20: 900, 23: 900, 24: 100}, invalid: 1%}
      - {name: newsletter, stream: marketing, source: mailpoet, send: 3000, on: [5, 12, 19, 20, 21],
         hours: 8-9, invalid: 0.5%, complaints: 0.015%, unsubscribes: 0.4%}
""",
}
"""Sites of people who do all right: none of them is limited."""


def _bought(people: int, age: int, delivered: int) -> str:
    return f"""
days: 35
sites:
  - name: Site
    age: {age}
    delivered: {delivered}
    mail:{SHOP}
      - {{name: bad, stream: marketing, source: mailpoet, send: {people}, on: 20, hours: 9-10,
         unwanted: true, invalid: 14%, spam: 4%, complaints: 0.7%, unsubscribes: 2%}}
"""


BAD = {
    "500 bought, old site": (_bought(500, 400, 50_000), 250),
    "5,000 bought, old site": (_bought(5_000, 400, 50_000), 250),
    "50,000 bought, old site": (_bought(50_000, 400, 50_000), 250),
    "500 bought, new site": (_bought(500, 2, 0), 120),
    "5,000 bought, new site": (_bought(5_000, 2, 0), 120),
    "50,000 bought, new site": (_bought(50_000, 2, 0), 120),
    "a very slow rot": (
        """
days: 200
sites:
  - name: Site
    age: 900
    delivered: 200000
    mail:
      - {name: newsletter, stream: marketing, source: mailpoet, send: 1500, every: 7, hours: 8-9,
         invalid: {1: 0.4%, 190: 8%}, complaints: 0.01%}
""",
        900,
    ),
    "a bought list on a site that sends much": (
        f"""
days: 30
sites:
  - name: Site
    age: 900
    delivered: 200000
    promotional_daily: 20000
    mail:{SHOP}
      - {{name: newsletter, stream: marketing, source: mailpoet, send: 8000, every: 7, hours: 8-9,
         invalid: 0.3%, complaints: 0.01%}}
      - {{name: bad, stream: marketing, source: mailpoet, send: 8000, on: 20, hours: 12-13,
         unwanted: true, new_list: false, invalid: 12%, complaints: 0.8%, unsubscribes: 2%}}
""",
        1_000,
    ),
    "a stolen key by night": (
        f"""
days: 25
sites:
  - name: Site
    age: 400
    delivered: 50000
    mail:{SHOP}
      - {{name: bad, stream: transactional, per_day: 3000, days: 10-12, hours: 2-5, unwanted: true,
         new_network: true, new_people: 100%, invalid: 12%, complaints: 0.6%}}
""",
        150,
    ),
    "a stolen key from a network that is known": (
        f"""
days: 25
sites:
  - name: Site
    age: 400
    delivered: 50000
    mail:{SHOP}
      - {{name: bad, stream: transactional, per_day: 8000, days: 10-12, unwanted: true,
         new_people: 100%, invalid: 18%, spam: 10%, complaints: 0.6%}}
""",
        250,
    ),
    "a form that is flooded gently": (
        f"""
days: 30
sites:
  - name: Site
    age: 400
    delivered: 50000
    mail:{SHOP}
      - {{name: bad, stream: transactional, source: cf7/contact, per_day: 60, days: 10-20,
         unwanted: true, new_people: 100%, invalid: 35%}}
""",
        150,
    ),
    "a form of a young site": (
        """
days: 30
sites:
  - name: Site
    age: 5
    delivered: 100
    mail:
      - {name: receipts, stream: transactional, source: woocommerce, per_day: 15, hours: 7-23}
      - {name: bad, stream: transactional, source: cf7/contact, per_day: 500, days: 10-16,
         unwanted: true, new_people: 100%, invalid: 25%}
""",
        120,
    ),
    "spam that arrives, and annoys": (
        f"""
days: 30
sites:
  - name: Site
    age: 400
    delivered: 50000
    promotional_daily: 5000
    mail:{SHOP}
      - {{name: bad, stream: marketing, source: mailpoet, send: 3000, on: [10, 12, 14, 16, 18, 20],
         hours: 9-10, new_list: false, invalid: 0.5%, complaints: 1.2%, unsubscribes: 3%}}
""",
        150,
    ),
}
"""Mail that has to be stopped, and the number of bad mails within which it is."""

SEEDS = (1, 2)
