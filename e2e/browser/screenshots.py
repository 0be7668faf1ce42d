"""Makes a picture of every page in docs/screenshots: `cargo xtask screenshots`, or this program with the tests' Python.

With names, only the pages whose names hold one of them.
"""

import base64
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fixtures.browser_catalogue import SCENES, Tour  # noqa: E402
from fixtures.browser_house import Lobby  # noqa: E402
from fixtures.house import House  # noqa: E402
from fixtures.server import ROOT  # noqa: E402

DESKTOP = {"viewport": {"width": 1100, "height": 760}}
PHONE = {"viewport": {"width": 390, "height": 760}, "device_scale_factor": 1.5, "is_mobile": True, "has_touch": True}

# Both colour schemes, both directions, both sizes; every page is in each of these.
LOOKS = {
    "en-desktop-light": ("en", DESKTOP | {"color_scheme": "light"}),
    "fr-desktop-dark": ("fr", DESKTOP | {"color_scheme": "dark"}),
    "en-phone-dark": ("en", PHONE | {"color_scheme": "dark"}),
    "ar-phone-light": ("ar", PHONE | {"color_scheme": "light"}),
}


def main() -> None:
    only = sys.argv[1:]
    directory = ROOT / "docs" / "screenshots"
    place = Path(tempfile.mkdtemp(prefix="countersign-e2e-"))
    house = House(place)
    lobby = Lobby(house)
    failed = []
    try:
        for look, (language, settings) in LOOKS.items():
            tour = Tour(lobby, language, **settings)
            (directory / look).mkdir(parents=True, exist_ok=True)
            for name, show in SCENES.items():
                if only and not any(part in name for part in only):
                    continue
                try:
                    _picture(show(tour), directory / look / f"{name}.webp")
                except Exception as error:
                    failed.append(f"{look} {name}: {error}")
            tour.leave()
    finally:
        lobby.leave()
        lobby.close()
        house.close()
        shutil.rmtree(place)
    if failed:
        sys.exit("\n".join(failed))


def _picture(page, path: Path) -> None:  # noqa: ANN001
    """The whole page, however long it is."""
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    session = page.context.new_cdp_session(page)
    made = session.send(
        "Page.captureScreenshot", {"format": "webp", "quality": 70, "captureBeyondViewport": True}
    )
    path.write_bytes(base64.b64decode(made["data"]))
    page.close()


if __name__ == "__main__":
    main()
