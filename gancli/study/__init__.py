"""The collapse study: models x seeds on one data set, measured the same way."""
