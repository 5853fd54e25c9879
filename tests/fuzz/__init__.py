"""`make fuzz`: garbage for every command, in a time box, from seeds that are kept."""
