"""Make `.venv` with exactly what requirements-dev.txt pins, each file checked by its hash.

Run by the system's python3 before anything is installed: standard library only, old syntax.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

OLDEST = (3, 11)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import progress  # noqa: E402  (found only after the line above)

VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
REQUIREMENTS = os.path.join(ROOT, "requirements-dev.txt")
STAMP = os.path.join(VENV, ".installed")


def main() -> None:
    """Make or update the environment; exit with a sentence when this machine lacks something."""
    if sys.version_info < OLDEST:
        sys.exit(
            "Postreeve needs Python {}.{} or newer; {} is {}.{}.\n"
            "Name another one like this: make PYTHON=/path/to/python3.11".format(
                *OLDEST, sys.executable, *sys.version_info[:2]
            )
        )
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit(
            "Python's venv module is not complete on this machine. On Debian:\n"
            "    sudo apt-get install --no-install-recommends python3-venv"
        )
    if os.path.exists(VENV) and not _usable():
        shutil.rmtree(VENV)
    if not os.path.exists(VENV):
        sys.stderr.write("Making the virtual environment .venv …\n")
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)  # noqa: S603
    with open(REQUIREMENTS) as file:
        total = len(re.findall(r"^[a-z0-9].*==", file.read(), re.IGNORECASE | re.MULTILINE))
    try:
        progress.run(
            [
                PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                "--progress-bar", "off", "--no-compile", "--no-deps", "--require-hashes", "-r", REQUIREMENTS,
            ],
            "Installing Python packages",
            r"^(?:Collecting|Requirement already satisfied:) ([^ =]+)",
            total,
        )  # fmt: skip
    except progress.Failed as error:
        sys.exit(
            f"{error}\n\nPython's packages could not be installed; the lines above say why. "
            "They come from pypi.org: when this machine reaches it, say the same again."
        )
    with open(STAMP, "w") as stamp:
        stamp.write("{}.{}\n".format(*sys.version_info[:2]))


def _usable() -> bool:
    """Whether the environment there works and is of this Python."""
    version = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(  # noqa: S603
            [PYTHON, "-c", version], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.stdout.decode().strip() == "{}.{}".format(*sys.version_info[:2])


if __name__ == "__main__":
    progress.interruptibly(main)
