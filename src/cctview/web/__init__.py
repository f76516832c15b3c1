"""The web application over a store: one read model, the JSON API and the pages; no model runs here."""
