"""The mapping files of the vendors that come with Credence."""
