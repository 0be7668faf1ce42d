"""What a page weighs, and how soon it can be used on a slow telephone: Chromium with a slow network and a slow processor.

The pages are those of `countersign demo`, by http. Run it with the tests' Python:

    COUNTERSIGN_BIN=target/release/countersign target/venv/bin/python bench/page.py

A page is loaded with an empty cache, several times; the medians are shown. Bytes are those that Chromium received, headers
included. "Usable" is the end of `DOMContentLoaded`, when the page's modules have run, or of the last long task after it.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "e2e"))

from playwright.sync_api import BrowserContext, Page  # noqa: E402

from fixtures.browser import Chromium  # noqa: E402
from fixtures.browser_passkeys import Passkeys  # noqa: E402
from fixtures.waiting import end, wait_for  # noqa: E402

# As the presets of Chromium's developer tools: bytes a second, milliseconds of latency for a request, and how many times slower.
PROFILES = {
    "no limit": None,
    "slow 4G, CPU / 4": (1_440_000 // 8, 562.5, 4),
    "slow 3G, CPU / 4": (400_000 // 8, 2000, 4),
}

WATCH = """
window.lastLong = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.lastLong = Math.max(window.lastLong, entry.startTime + entry.duration);
}).observe({ type: "longtask", buffered: true });
"""

FIGURES = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    seen: paint ? paint.startTime : 0,
    usable: Math.max(page.domContentLoadedEventEnd, window.lastLong),
    loaded: page.loadEventEnd,
  };
}"""


def measure(context: BrowserContext, address: str, profile: tuple[int, float, int] | None) -> dict[str, float]:
    """One visit with an empty cache."""
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if profile:
        rate, latency, slower = profile
        conditions = {"offline": False, "latency": latency, "downloadThroughput": rate, "uploadThroughput": rate}
        session.send("Network.emulateNetworkConditions", conditions)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    figures = page.evaluate(FIGURES)
    figures |= {"bytes": sum(received), "requests": len(received)}
    page.close()
    return figures


def show(name: str, context: BrowserContext, address: str, runs: int) -> None:
    for profile, limits in PROFILES.items():
        visits = [measure(context, address, limits) for _ in range(runs)]

        def median(figure: str, visits: list[dict[str, float]] = visits) -> float:
            return statistics.median(visit[figure] for visit in visits)

        print(
            f"{name:24} {profile:18} {median('bytes') / 1000:6.1f} kB in {median('requests'):.0f} requests, "
            f"seen {median('seen'):6.0f} ms, usable {median('usable'):6.0f} ms, loaded {median('loaded'):6.0f} ms",
            flush=True,
        )


def to_sign_in(page: Page, application: str, username: str) -> str:
    """The address of the sign-in page of this user, whose cookie this browser then has."""
    page.goto(application)
    page.get_by_label("Name").fill(username)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/*")
    return page.url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    program = os.environ.get("COUNTERSIGN_BIN", str(ROOT / "target/release/countersign"))
    with tempfile.TemporaryDirectory() as place:
        work, output = Path(place) / "work", Path(place) / "output"
        with output.open("w") as sink:
            demo = subprocess.Popen([program, "demo", "--directory", work], stdin=subprocess.DEVNULL, stdout=sink)
        try:
            wait_for("the demo", lambda: "\nServing." in output.read_text() or demo.poll() is not None, 60)
            text = output.read_text()
            application = re.search(r"^ +(http://localhost:\d+/)$", text, re.MULTILINE)[1]
            invitation = re.search(r"(http://localhost:\d+/activate/\S+)", text)[1]
            chromium = Chromium(Path(place) / "home", work / "data" / "tls" / "ca.pem")
            context = chromium.browser.new_context(locale="en-US")
            page = context.new_page()
            show("enrolment", context, invitation, runs)
            Passkeys(page)
            page.goto(invitation)
            page.locator("[data-register-do]").click()
            page.wait_for_url("**/account/**")
            show("account, add", context, page.url, runs)
            show("sign-in by passkey", context, to_sign_in(page, application, "robin"), runs)
            show("sign-in by passcode", context, to_sign_in(page, application, "lena"), runs)
            chromium.close()
        finally:
            end(demo)


if __name__ == "__main__":
    main()
