"""An engine where the machine has none: Debian's, in namespaces of its own, and stand-in images."""
