"""OpenAI's Responses API, through its own SDK: the judge that is a language model, and the doctor's look at the model."""
