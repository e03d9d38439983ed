"""The pages for people, looked at with a real browser against the real stack."""
