"""The pages for people; `docs.tables` makes the tables whose source is elsewhere."""
