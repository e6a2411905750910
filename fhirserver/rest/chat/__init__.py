"""``/chat``: conversations by text for apps of patients. Imports FastAPI only when it is asked for."""
