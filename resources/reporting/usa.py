"""Where each US state stands on a tile-grid map: a square a place, roughly where one looks for it.

The grid is that of the tile-grid maps that NPR made popular in 2015 ("Let's Tesselate"), in the
square form with 11 columns that newspapers and charting libraries use since (geofacet's
`us_state_grid4`); the territories stand in the lower corners, as in NPR's own template. How a tile
looks is `tiles`, what states are called is `resources.reference.names`.
"""

_GRID = """
    AK  .  .  .  .  .  .  .  .  . ME
     .  .  .  .  . WI  .  .  . VT NH
    WA ID MT ND MN IL MI  . NY MA  .
    OR NV WY SD IA IN OH PA NJ CT RI
    CA UT CO NE MO KY WV VA MD DE  .
     . AZ NM KS AR TN NC SC DC  .  .
     .  .  . OK LA MS AL GA  .  .  .
    HI  .  . TX  .  .  .  . FL  .  .
    GU MP AS  .  .  .  .  .  . PR VI
"""

COLUMNS, ROWS = 11, 9

PLACES: dict[str, tuple[int, int]] = {
    code: (column, row)
    for row, line in enumerate(_GRID.split("\n")[1:-1])
    for column, code in enumerate(line.split())
    if code != "."
}
"""Postal code -> (column, row) from the upper left, of the 50 states, DC and five territories."""
