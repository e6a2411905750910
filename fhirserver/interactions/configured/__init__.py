"""Configuration that is data, read and changed by the same interactions as any resource."""
