"""Brings up Debian's engine where the machine has none, in private namespaces with stand-ins."""
