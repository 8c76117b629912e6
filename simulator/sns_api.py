"""SNS's query protocol, as boto3 calls it: form in, XML out."""

import uuid
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from simulator import ACCOUNT
from simulator.errors import AwsError
from simulator.subscriptions import Subscriptions

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"

STATUS = {"NotFound": 404, "InvalidParameter": 400, "InvalidAction": 400}

Form = Mapping[str, str]


class SnsApi:
    """The operations of SNS that Postreeve and its operators need."""

    def __init__(self, subscriptions: Subscriptions, subscribed: Callable[[], None]) -> None:
        """Serve `subscriptions`; `subscribed` is called when one was added or confirmed."""
        self._subscriptions = subscriptions
        self._subscribed = subscribed
        self._actions: dict[str, Callable[[Form], str]] = {
            "ConfirmSubscription": self.confirm_subscription,
            "CreateTopic": self.create_topic,
            "GetSubscriptionAttributes": self.get_subscription_attributes,
            "GetTopicAttributes": self.get_topic_attributes,
            "ListSubscriptionsByTopic": self.list_subscriptions_by_topic,
            "SetSubscriptionAttributes": self.set_subscription_attributes,
            "SetTopicAttributes": self.set_topic_attributes,
            "Subscribe": self.subscribe,
            "Unsubscribe": self.unsubscribe,
        }

    def answer(self, form: Form) -> tuple[int, str]:
        """HTTP status and XML for a call."""
        action = form.get("Action", "")
        try:
            if action not in self._actions:
                raise AwsError("InvalidAction", f"The action {action} is not simulated.")
            result = self._actions[action](form)
        except AwsError as error:
            return failure(error)
        return 200, (
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
            f"{_metadata()}</{action}Response>"
        )

    def confirm_subscription(self, form: Form) -> str:
        """ConfirmSubscription."""
        confirmed = self._subscriptions.confirm(_needed(form, "TopicArn"), _needed(form, "Token"))
        self._subscribed()
        return _element("SubscriptionArn", confirmed.arn)

    def subscribe(self, form: Form) -> str:
        """Subscribe, over HTTP only."""
        if form.get("Protocol") not in ("http", "https"):
            raise AwsError("InvalidParameter", "Invalid parameter: Protocol (http or https)")
        added = self._subscriptions.subscribe(_needed(form, "TopicArn"), _needed(form, "Endpoint"))
        self._subscribed()
        shown = added.confirmed or form.get("ReturnSubscriptionArn") == "true"
        return _element("SubscriptionArn", added.arn if shown else "pending confirmation")

    def unsubscribe(self, form: Form) -> str:
        """Unsubscribe."""
        self._subscriptions.unsubscribe(_needed(form, "SubscriptionArn"))
        return ""

    def create_topic(self, form: Form) -> str:
        """CreateTopic."""
        return _element("TopicArn", self._subscriptions.create_topic(_needed(form, "Name")))

    def get_topic_attributes(self, form: Form) -> str:
        """GetTopicAttributes."""
        arn = _needed(form, "TopicArn")
        return _attributes({"TopicArn": arn, "Owner": ACCOUNT, **self._subscriptions.topic(arn)})

    def set_topic_attributes(self, form: Form) -> str:
        """SetTopicAttributes."""
        self._subscriptions.change_topic(
            _needed(form, "TopicArn"),
            _needed(form, "AttributeName"),
            form.get("AttributeValue", ""),
        )
        return ""

    def get_subscription_attributes(self, form: Form) -> str:
        """GetSubscriptionAttributes."""
        found = self._subscriptions.get(_needed(form, "SubscriptionArn"))
        return _attributes(
            {
                "SubscriptionArn": found.arn,
                "TopicArn": found.topic,
                "Protocol": found.endpoint.partition(":")[0],
                "Endpoint": found.endpoint,
                "Owner": ACCOUNT,
                "PendingConfirmation": "false" if found.confirmed else "true",
                "RawMessageDelivery": "false",
            }
        )

    def set_subscription_attributes(self, form: Form) -> str:
        """SetSubscriptionAttributes: accepted where it asks for what is done anyway."""
        self._subscriptions.get(_needed(form, "SubscriptionArn"))
        name, value = _needed(form, "AttributeName"), form.get("AttributeValue", "")
        if (name, value) != ("RawMessageDelivery", "false"):
            raise AwsError("InvalidParameter", f"Invalid parameter: {name} is not simulated")
        return ""

    def list_subscriptions_by_topic(self, form: Form) -> str:
        """ListSubscriptionsByTopic."""
        topic = _needed(form, "TopicArn")
        self._subscriptions.topic(topic)
        members = "".join(
            "<member>"
            + _element("SubscriptionArn", one.arn if one.confirmed else "PendingConfirmation")
            + _element("Owner", ACCOUNT)
            + _element("Protocol", one.endpoint.partition(":")[0])
            + _element("Endpoint", one.endpoint)
            + _element("TopicArn", one.topic)
            + "</member>"
            for one in self._subscriptions.all()
            if one.topic == topic
        )
        return f"<Subscriptions>{members}</Subscriptions>"


def failure(error: AwsError) -> tuple[int, str]:
    """HTTP status and XML of an error."""
    status = STATUS.get(error.code) or error.status
    kind = "Sender" if status < 500 else "Receiver"
    return status, (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{_element("Type", kind)}'
        f"{_element('Code', error.code)}{_element('Message', error.message)}</Error>"
        f"{_element('RequestId', str(uuid.uuid4()))}</ErrorResponse>"
    )


def _needed(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise AwsError("InvalidParameter", f"Invalid parameter: {name}")
    return value


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _attributes(values: Mapping[str, str]) -> str:
    entries = "".join(
        f"<entry>{_element('key', key)}{_element('value', value)}</entry>"
        for key, value in values.items()
    )
    return f"<Attributes>{entries}</Attributes>"


def _metadata() -> str:
    return f"<ResponseMetadata>{_element('RequestId', str(uuid.uuid4()))}</ResponseMetadata>"
