"""How images are named, described, sent and accounted for, for the command `add`."""
