"""A stand-in for Amazon SES and SNS on one machine, to try Postreeve out, test it and load it."""

ACCOUNT = "000000000000"
"""The AWS account the simulator plays; real accounts are never all zeros."""

REGION = "us-east-1"

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:postreeve-simulator"
"""The topic that exists from the start."""

CONFIGURATION_SET = "postreeve"
"""The configuration set that exists from the start and publishes to `TOPIC`."""
