"""Short programs that use the client, each run by a test; README.md says what each shows."""
