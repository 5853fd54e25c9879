"""How a run is doing: measures of its samples as it trains, and verdicts in words."""
