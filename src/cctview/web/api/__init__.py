"""The JSON API, ``/api/v1``, over the read models: routes, their answers in other forms, and what guards them."""
