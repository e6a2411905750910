"""The connector runner: records in from EHRs, confirmed changes out to them, exactly once."""
