"""What simulated vendors with REST APIs of their own have in common: faults, tables, the server, the control."""
