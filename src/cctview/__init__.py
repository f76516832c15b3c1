"""cctview: vehicle journeys across public traffic cameras."""
