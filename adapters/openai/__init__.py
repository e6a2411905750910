"""OpenAI's Responses API, through its own SDK: the judge that is a language model, and a look at the model."""
