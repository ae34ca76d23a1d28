"""People at the pages over real HTTP, who act randomly and record the portal's answers."""

import random
import re
import threading
import time
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus

import requests

from tests.chaos.world import World
from tests.portal import PASSWORD

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
DESKTOP = re.compile(r"/desktops/(desktop-[0-9a-f]{8})")
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
TELLING = re.compile(r"<(?:strong|h1|h2)[^>]*>(.*?)</(?:strong|h1|h2)>", re.DOTALL)
ANSWER_S = 40.0
#: The choices of people; the first is the one that desktops of the pool are built with.
USERNAMES = ("desktop", "desktop", "desktop", "marie", "jan")
KEYBOARDS = ("us", "us", "us", "fr", "pl")


@dataclass
class Memory:
    """The answers to all people of a storm, for the final check."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    launched: dict[str, str] = field(default_factory=dict)
    """Launch token to the resulting desktop."""
    refused: dict[str, str] = field(default_factory=dict)
    """Launch token to the text of the refusal."""
    not_done: set[str] = field(default_factory=set)
    """Launch tokens with the response that nothing was done."""
    broken: list[str] = field(default_factory=list)
    """Responses that no person should see."""
    acts: dict[str, int] = field(default_factory=dict)

    def count(self, act: str) -> None:
        with self.lock:
            self.acts[act] = self.acts.get(act, 0) + 1


class Person(threading.Thread):
    """Acts at random until the test ends."""

    def __init__(
        self,
        world: World,
        name: str,
        seed: str,
        memory: Memory,
        pause_s: float,
        home: threading.Event,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._world = world
        self._random = random.Random(seed)
        self._memory = memory
        self._pause_s = pause_s
        self._home = home
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._csrf = ""
        self.mine: list[str] = []

    def run(self) -> None:
        acts = (
            self.launch,
            self.look,
            self.reveal,
            self.extend,
            self.pause,
            self.resume,
            self.stop,
        )
        while not self._home.is_set():
            act = self._random.choices(acts, (40, 20, 10, 8, 12, 15, 25))[0]
            try:
                self._sign_in()
                act()
                self._memory.count(act.__name__)
            except (requests.RequestException, SignedOut):
                self._csrf = ""
                self._memory.count("no answer")
            self._home.wait(self._random.expovariate(1 / self._pause_s))

    # -- acts -------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Click until a response arrives, as a browser does that sends the form again."""
        pick = self._random.choice
        token = f"{self._random.getrandbits(96):x}"
        form = {
            "template": "xfce",
            "launch_token": token,
            "minutes": str(self._random.randint(5, 60)),
            "rdp_username": pick(USERNAMES),
            "keyboard_layout": pick(KEYBOARDS),
        }
        give_up = time.monotonic() + ANSWER_S
        while time.monotonic() < give_up:
            try:
                self._sign_in()
                answer = self._post("/desktops/", form)
            except (requests.RequestException, SignedOut):
                self._csrf = ""
                if self._home.wait(0.3):
                    give_up = min(give_up, time.monotonic() + 10)
                continue
            if self._take_in(token, answer):
                return

    def _take_in(self, token: str, answer: requests.Response) -> bool:
        """Record the response to a launch; return False if it should be clicked again."""
        memory = self._memory
        if answer.status_code == HTTPStatus.SEE_OTHER:
            if found := DESKTOP.search(answer.headers["Location"]):
                self.mine.append(found[1])
                with memory.lock:
                    memory.launched[token] = found[1]
                    memory.not_done.discard(token)
                return True
            raise SignedOut
        words = " ".join(unescape(text).strip() for text in TELLING.findall(answer.text))
        with memory.lock:
            if answer.status_code in (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS):
                memory.refused[token] = words
                return True
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                memory.not_done.add(token)
                return self._random.random() < 0.5  # half of the people do not try again
        self._note_broken("launch", answer)
        return True

    def look(self) -> None:
        path = self._random.choice(["/", "/live", *(f"/desktops/{one}" for one in self.mine[-3:])])
        self._check("look", self._get(path))

    def reveal(self) -> None:
        """Read the password of a desktop."""
        if self.mine:
            one = self._random.choice(self.mine[-3:])
            self._check("reveal", self._post(f"/desktops/{one}/password", {}))

    def extend(self) -> None:
        if self.mine:
            one = self._random.choice(self.mine[-3:])
            minutes = str(self._random.randint(1, 60))
            self._check("extend", self._post(f"/desktops/{one}/extend", {"minutes": minutes}))

    def pause(self) -> None:
        if self.mine:
            one = self._random.choice(self.mine[-3:])
            self._check("pause", self._post(f"/desktops/{one}/pause", {}))

    def resume(self) -> None:
        if self.mine:
            one = self._random.choice(self.mine[-3:])
            self._check("resume", self._post(f"/desktops/{one}/resume", {}))

    def stop(self) -> None:
        """Stop a desktop, mostly the oldest: people stop desktops that they have used."""
        if self.mine:
            at = 0 if self._random.random() < 0.8 else self._random.randrange(len(self.mine))
            answer = self._post(f"/desktops/{self.mine[at]}/stop", {})
            self._check("stop", answer)
            if answer.ok:
                self.mine.pop(at)

    # -- HTTP -------------------------------------------------------------------------------------

    def _sign_in(self) -> None:
        if self._csrf:
            return
        self._browser.cookies.clear()
        self._csrf = _csrf(self._get("/sign-in"))
        sent = self._post("/sign-in", {"name": self.name, "password": PASSWORD})
        if sent.status_code != HTTPStatus.SEE_OTHER:
            self._csrf = ""
            self._check("sign in", sent)
            raise SignedOut
        self._csrf = _csrf(self._get("/"))

    def _get(self, path: str) -> requests.Response:
        return self._browser.get(self._world.url + path, timeout=20, allow_redirects=False)

    def _post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self._browser.post(
            self._world.url + path,
            form | {"csrf_token": self._csrf},
            timeout=20,
            allow_redirects=False,
        )

    def _check(self, act: str, answer: requests.Response) -> None:
        if "/sign-in" in answer.headers.get("Location", ""):
            raise SignedOut
        allowed = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)
        if answer.status_code >= HTTPStatus.BAD_REQUEST and answer.status_code not in allowed:
            self._note_broken(act, answer)

    def _note_broken(self, act: str, answer: requests.Response) -> None:
        title = TITLE.search(answer.text)
        with self._memory.lock:
            self._memory.broken.append(
                f"{self.name}: {act}: {answer.status_code} {title[1].strip() if title else ''}"
            )


class SignedOut(Exception):
    """The portal requires this person to sign in again."""


def _csrf(answer: requests.Response) -> str:
    found = CSRF.search(answer.text)
    if not found:
        raise SignedOut
    return found[1]
