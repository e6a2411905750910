"""Speech by OpenAI, through its own SDK: the Realtime API hears and speaks, an endpoint transcribes recordings.

https://developers.openai.com/api/docs/guides/realtime. Event names are those of the SDK's types
(``openai.types.realtime``). What is said or heard never stands in a log line or an error.
"""
