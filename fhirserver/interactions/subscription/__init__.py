"""What subscriptions are: topics, criteria, filters, the record of events, notifications. No transport."""
