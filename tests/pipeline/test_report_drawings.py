"""The hand-built charts in what draws them: WeasyPrint for paper, vl-convert for mail."""

import io

import pytest
import vl_convert
from pypdf import PdfReader
from weasyprint import HTML

from resources.reporting.heat import heat_map
from resources.reporting.pages import fetcher
from resources.reporting.svg import Drawing
from resources.reporting.tiles import tile_map

NAME = "<b>SkyCore & Sons</b>"


@pytest.fixture(params=["tiles", "heat"])
def drawing(request: pytest.FixtureRequest) -> Drawing:
    if request.param == "tiles":
        return tile_map(NAME, NAME, [("CA", 12, "12 calls"), ("NY", 3, "3 calls")])
    hours = [f"{hour:02}" for hour in range(24)]
    cells = [(NAME, hour, n, f"{n}.5") for n, hour in enumerate(hours)]
    return heat_map(NAME, NAME, ("Provider", "Hour"), [NAME], hours, cells)


def test_on_paper(drawing: Drawing) -> None:
    page = '<img src="report:0" style="width: 100%">'
    assets = {"report:0": drawing.svg.encode()}
    made = HTML(string=page, base_url=None, url_fetcher=fetcher(assets)).write_pdf()
    said = PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert NAME in said
    assert "12 calls" in said or "12.5" in said


def test_in_mail(drawing: Drawing) -> None:
    png = vl_convert.svg_to_png(drawing.svg, scale=2)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") == 2 * drawing.width
    nothing = vl_convert.svg_to_png(drawing.svg.split("<title>")[0] + "</svg>", scale=2)
    assert len(png) > 5 * len(nothing), "something is drawn"
