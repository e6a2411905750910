"""GraphQL over FHIR: https://hl7.org/fhir/R4/graphql.html

The document is parsed by graphql-core; what its fields mean, and how they are answered, is ours, because the
directives of FHIR (``@flatten``, ``@slice`` …) change the shape of an answer as no schema can say.
"""
