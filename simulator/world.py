"""All parts of one simulator, wired, opened from its state folder and closed again."""

import fcntl
import os
import random
from collections.abc import Sequence
from pathlib import Path

from simulator.account import Account
from simulator.control import Control
from simulator.endpoint import Poster
from simulator.errors import CannotStart
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.names.amazon import AmazonNames
from simulator.names.directory import Directory
from simulator.names.folder import ZoneFolder
from simulator.names.questions import Questions
from simulator.names.server import NameServer
from simulator.names.troubles import Troubles
from simulator.notices import Notices
from simulator.outcomes import Outcomes
from simulator.sending import Sending
from simulator.settings import Settings
from simulator.signing import Signer
from simulator.store import Store
from simulator.subscriptions import Subscriptions
from simulator.verification import Verification


class World:
    """The parts, wired. To be made and closed within the event loop."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        subscribe: Sequence[str] = (),
        *,
        seed: int | None = None,
        keep_contents: bool = True,
        zones: Path | None = None,
        troubles: Troubles | None = None,
    ) -> None:
        """Open or create the state in `folder`. Raises CannotStart if that is not possible.

        Zone files are in the folder `zones`, which is by default within `folder`.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / "lock")
            self.signer = Signer(folder)
            self.journal = Journal(folder / "account.jsonl")
            self.store = Store(folder, keep_contents=keep_contents)
            self.outcomes = Outcomes(folder)
        except OSError as error:
            raise CannotStart(
                f"The state folder {folder} cannot be used: {error.strerror or error}. "
                "Choose another with --state."
            ) from error
        try:
            zone_folder = ZoneFolder(zones or folder / "zones")
        except OSError as error:
            raise CannotStart(
                f"The folder of zones {zones} cannot be used: {error.strerror or error}. "
                "Choose another with --zones."
            ) from error
        self.account = Account(self.journal)
        self.subscriptions = Subscriptions(self.journal, subscribe)
        self.control = Control(self.account, settings, troubles or Troubles({}))
        self.directory = Directory(zone_folder, AmazonNames(self.journal, folder))
        self.questions = Questions(self.directory, lambda: self.control.troubles)
        self.name_server = NameServer(self.questions)
        self.verification = Verification(self.account, self.control, self.directory)
        self.faults = Faults(self.control, self.store, random.Random(seed))
        self._poster = Poster(self.signer)
        self.notices = Notices(
            store=self.store,
            outcomes=self.outcomes,
            account=self.account,
            subscriptions=self.subscriptions,
            control=self.control,
            faults=self.faults,
            poster=self._poster,
        )
        self.sending = Sending(
            self.store, self.account, self.control, self.faults, self.notices, self.verification
        )

    async def close(self) -> None:
        """Stop publishing and write what waits in memory."""
        await self.name_server.close()
        await self.notices.stop()
        await self._poster.close()
        self.outcomes.close()
        self.store.close()
        self.journal.close()
        os.close(self._lock)


def _locked(path: Path) -> int:
    """Take the folder for this process alone; the system frees it however the process ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise CannotStart(
            f"Another simulator uses the state folder {path.parent}. "
            "Stop it, or choose another folder with --state."
        ) from None
    return file
