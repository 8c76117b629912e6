"""Posting to a subscriber as SNS does: signed, with SNS's headers, over kept connections."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import aiohttp

from simulator.outbox import Answer
from simulator.signing import Signer
from simulator.subscriptions import Subscription

TIMEOUT = aiohttp.ClientTimeout(total=15)
"""SNS waits 15 seconds for an answer."""

USER_AGENT = "Amazon Simple Notification Service Agent"


class Poster:
    """An HTTP client and a signer. To be made and closed within the event loop."""

    def __init__(self, signer: Signer) -> None:
        """Sign with `signer`, in threads, because signing is most of the work."""
        self._signer = signer
        self._threads = ThreadPoolExecutor(2, "sign")
        # Servers close idle connections after some seconds (gunicorn after two): close earlier.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=1.5)
        self._client = aiohttp.ClientSession(
            connector=connector, timeout=TIMEOUT, headers={"User-Agent": USER_AGENT}
        )

    async def sign(self, message: dict[str, str]) -> bytes:
        """The signed message as JSON."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._signed, message)

    def _signed(self, message: dict[str, str]) -> bytes:
        return json.dumps(self._signer.sign(message)).encode()

    async def post(self, to: Subscription, message: dict[str, str], body: bytes) -> Answer:
        """Post a signed message once."""
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": message["Type"],
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": message["TopicArn"],
        }
        if message["Type"] == "Notification":
            headers["x-amz-sns-subscription-arn"] = to.arn
        try:
            async with self._client.post(
                to.endpoint, data=body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                return _meaning(response.status)
        except (TimeoutError, aiohttp.ServerDisconnectedError):
            return Answer.FAILED
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer.UNREACHABLE

    async def close(self) -> None:
        """Close connections and threads."""
        await self._client.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _meaning(status: int) -> Answer:
    """SNS takes 2xx as received and 4xx as a refusal for good, and tries again after all else."""
    if 200 <= status < 300:
        return Answer.TAKEN
    if 400 <= status < 500 and status != 429:
        return Answer.REFUSED
    return Answer.FAILED
