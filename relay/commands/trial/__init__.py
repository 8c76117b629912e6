"""`run` and `demo`: the whole product on one machine, with the simulator in Amazon's place."""

from relay.commands.trial.demo import demo
from relay.commands.trial.run import run

COMMANDS = (run, demo)
