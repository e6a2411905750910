"""How the caller's voice sounds, for pace and tone only: never for identity, never a clinical claim."""
