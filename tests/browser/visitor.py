"""A visitor with a browser: what they see, and whether anything on the way went wrong."""

from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import ConsoleMessage, Page, Request, Response, expect

PASSWORD = "correct horse"
Scheme = Literal["light", "dark"]
_SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  const add = (list) => list.getEntries().forEach((one) => sum += one.value);
  const seen = new PerformanceObserver(add);
  seen.observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => setTimeout(() => { seen.disconnect(); done(sum); }, 50));
})"""
# Scripts have run then, and pictures in sight are asked for.
_DRAWN = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 20)));
})"""
_SMALL = """() => [...document.querySelectorAll("button, nav a, select, input, summary:not(.chip)")]
  .filter((one) => one.checkVisibility() && !one.closest("details.menu:not([open]) > div"))
  .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect().height])
  .filter(([_, height]) => height < 44)"""


@dataclass
class Visitor:
    """A page, and what it complained about."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)
    _under_way: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Playwright takes no built-in method for a handler.
        self.page.on("request", lambda request: self._under_way.add(request))
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self._under_way.discard(request))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("requestfailed", self._miss)
        self.page.on("response", self._refused)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _miss(self, request: Request) -> None:
        # Pictures and polls that a click on a link ended.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"failed: {request.url} {request.failure}")

    def _refused(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")

    def open(self, path: str) -> None:
        """Open a page, and wait until it is drawn and nothing that it asked for is on its way."""
        self.page.goto(self.address + path)
        self.page.evaluate(_DRAWN)
        while self._under_way:
            self.page.wait_for_timeout(5)

    def show(self, scheme: Scheme) -> None:
        self.page.emulate_media(color_scheme=scheme)

    def sign_in(self) -> None:
        self.open("/")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("navigation", name="Pages")).to_be_visible()

    def press(self, name: str) -> None:
        button = self.page.get_by_role("button", name=name, exact=True)
        button.wait_for()
        # Until the scripts have run, a form is sent by the browser, not by htmx.
        self.page.wait_for_load_state()
        button.click()

    def sees_state(self, state: str) -> None:
        expect(self.page.locator("#progress .pill")).to_have_text(state, timeout=20_000)

    def overflow_px(self) -> int:
        width: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, width)

    def shifted(self) -> float:
        """The cumulative layout shift of the page (web-vitals; below 0.1 is good)."""
        found: float = self.page.evaluate(_SHIFTS)
        return found

    def too_small(self) -> list[Any]:
        """What a finger would miss: lower than 44 px."""
        found: list[Any] = self.page.evaluate(_SMALL)
        return found
