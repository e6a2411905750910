"""What ``credence doctor`` looks at, one subject a file. Nothing here prints, or repeats a secret."""
