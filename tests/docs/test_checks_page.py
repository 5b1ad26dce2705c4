import re

from labelwright.sandbox.guest.allowed import MODULES

from tests.parts.repository import ROOT

PAGE = (ROOT / "docs" / "checks.md").read_text()


def test_every_code_is_on_the_page_and_nothing_else():
    folders = ["core", "sandbox", "registry", "service", "synthesis", "clients"]
    sources = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    used = {code for source in sources for code in re.findall(r'"(AS\d{3})"', source)}
    assert set(re.findall(r"^\| (AS\d{3}) \|", PAGE, re.MULTILINE)) == used


def test_every_module_is_on_the_page():
    assert not [name for name in MODULES if f"`{name}`" not in PAGE and name != "urllib"]
