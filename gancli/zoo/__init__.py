"""The zoo: small generators that come with gancli."""
