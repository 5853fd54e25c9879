"""How a run is doing: what is measured of its samples as it trains, and verdicts in words."""
