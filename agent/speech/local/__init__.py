"""Speech without keys: espeak-ng and pocketsphinx, each in processes of its own. Demo grade."""
