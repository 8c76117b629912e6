"""`run` and `demo`: the whole product on one machine, with the simulator in Amazon's place."""

COMMANDS = ()
