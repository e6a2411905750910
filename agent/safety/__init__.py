"""How risky a call is and why, and when a person is asked for."""
