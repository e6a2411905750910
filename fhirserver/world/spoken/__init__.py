"""What people say, made into values: pure, shared by the agent and by the judge.

Every reader returns :class:`~fhirserver.world.spoken.words.Found` values: the normalised value
and the range of the text it came from. Nothing here knows FHIR.
"""
