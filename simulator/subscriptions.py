"""SNS topics and who is subscribed to them."""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from simulator import ACCOUNT, REGION, TOPIC
from simulator.errors import AwsError
from simulator.journal import Fact, Journal

TOPIC_PREFIX = f"arn:aws:sns:{REGION}:{ACCOUNT}:"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One endpoint of a topic. `number` stands for it in `notices.log`; `token` confirms it."""

    arn: str
    topic: str
    endpoint: str
    number: int
    token: str
    confirmed: bool


class Subscriptions:
    """Topics and subscriptions of the account; all of it is in the journal."""

    def __init__(self, journal: Journal, endpoints: Iterable[str] = ()) -> None:
        """Take what the journal has, and see that `endpoints` are subscribed to the first topic.

        Endpoints that only an earlier start named are forgotten, unless this one names none.
        """
        self._journal = journal
        if journal.get("topic", TOPIC) is None:
            journal.put("topic", TOPIC, {"SignatureVersion": "2"})
        wanted = list(dict.fromkeys(endpoints))
        for arn, fact in list(journal.all("subscription").items()):
            if wanted and fact["by_option"] and fact["endpoint"] not in wanted:
                journal.forget("subscription", arn)
        known = {fact["endpoint"] for fact in journal.all("subscription").values()}
        for endpoint in wanted:
            if endpoint not in known:
                self.subscribe(TOPIC, endpoint, by_option=True)

    # Topics.

    def topic(self, arn: str) -> Fact:
        """The attributes of a topic. Raises AwsError NotFound."""
        fact = self._journal.get("topic", arn)
        if fact is None:
            raise AwsError("NotFound", "Topic does not exist")
        return fact

    def create_topic(self, name: str) -> str:
        """Create a topic, if it is not there yet, and give its ARN."""
        arn = TOPIC_PREFIX + name
        if self._journal.get("topic", arn) is None:
            self._journal.put("topic", arn, {"SignatureVersion": "2"})
        return arn

    def change_topic(self, arn: str, attribute: str, value: str) -> None:
        """Set an attribute of a topic. Raises AwsError."""
        if attribute == "SignatureVersion" and value != "2":
            raise AwsError(
                "InvalidParameter", "Invalid parameter: only SignatureVersion 2 is simulated"
            )
        self._journal.put("topic", arn, {**self.topic(arn), attribute: value})

    # Subscriptions.

    def all(self) -> list[Subscription]:
        """Every subscription, oldest first."""
        return [_parse(arn, fact) for arn, fact in self._journal.all("subscription").items()]

    def get(self, arn: str) -> Subscription:
        """A subscription. Raises AwsError NotFound."""
        fact = self._journal.get("subscription", arn)
        if fact is None:
            raise AwsError("NotFound", "Subscription does not exist")
        return _parse(arn, fact)

    def has(self, arn: str) -> bool:
        """Whether there is such a subscription."""
        return self._journal.get("subscription", arn) is not None

    def subscribe(self, topic: str, endpoint: str, *, by_option: bool = False) -> Subscription:
        """Subscribe an endpoint; it is pending until confirmed. Raises AwsError."""
        self.topic(topic)
        for known in self.all():
            if known.topic == topic and known.endpoint == endpoint:
                return known
        last = self._journal.get("counter", "subscriptions") or {"value": -1}
        self._journal.put("counter", "subscriptions", {"value": last["value"] + 1})
        arn = f"{topic}:{uuid.uuid4()}"
        fact = {
            "topic": topic,
            "endpoint": endpoint,
            "number": last["value"] + 1,
            "token": secrets.token_hex(64),
            "confirmed": False,
            "by_option": by_option,
        }
        self._journal.put("subscription", arn, fact)
        return _parse(arn, fact)

    def confirm(self, topic: str, token: str) -> Subscription:
        """Confirm the subscription that was sent `token`. Raises AwsError."""
        self.topic(topic)
        for arn, fact in self._journal.all("subscription").items():
            if fact["topic"] == topic and secrets.compare_digest(fact["token"], token):
                confirmed = {**fact, "confirmed": True}
                self._journal.put("subscription", arn, confirmed)
                return _parse(arn, confirmed)
        raise AwsError("InvalidParameter", "Invalid parameter: Token")

    def unsubscribe(self, arn: str) -> None:
        """Remove a subscription. Raises AwsError NotFound."""
        self.get(arn)
        self._journal.forget("subscription", arn)


def _parse(arn: str, fact: Fact) -> Subscription:
    return Subscription(
        arn=arn,
        topic=fact["topic"],
        endpoint=fact["endpoint"],
        number=fact["number"],
        token=fact["token"],
        confirmed=fact["confirmed"],
    )
