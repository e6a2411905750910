"""A campaign to thousands of people on simulated telephones at a hundred times the pace, with everything killed often.

What the carrier itself saw is then held against who these people are: nothing that Credence says of itself is believed.
"""
