"""B2: a bare loop of boto3's `send_email`: 16 threads, one shared client, no database. Frozen.

`python -m bench.baselines.b2_boto3 URL --count 10000 < go`: says `ready` when its connections are
warm, waits for a line, sends, then prints the seconds it took.
"""

from __future__ import annotations

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import click
from botocore.config import Config

from bench import bodies
from bench.rig import DOMAIN


@click.command()
@click.argument("url")
@click.option("--count", default=10_000, show_default=True, help="Mails to send.")
@click.option("--threads", default=16, show_default=True, help="Calls at once.")
@click.option("--size", default=10_000, show_default=True, help="Bytes of a mail.")
def main(url: str, count: int, threads: int, size: int) -> None:
    """Send COUNT mails to the simulator at URL as fast as boto3 can."""
    client = boto3.client(
        "sesv2",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="simulator",
        aws_secret_access_key="simulator",
        config=Config(max_pool_connections=threads, retries={"total_max_attempts": 1}),
    )
    message = bodies.letter(size)
    turn = itertools.count()

    def send(_: int) -> None:
        number = next(turn)
        client.send_email(
            FromEmailAddress=f"orders@{DOMAIN}",
            Destination={"ToAddresses": [f"b2-{number}@customer.example"]},
            Content={"Raw": {"Data": message}},
            EmailTags=[
                {"Name": "attempt", "Value": f"{number:032x}"},
                {"Name": "recipient", "Value": f"{number:032x}"},
            ],
            ConfigurationSetName="postreeve",
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(threads * 4)))
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        list(pool.map(send, range(count)))
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
