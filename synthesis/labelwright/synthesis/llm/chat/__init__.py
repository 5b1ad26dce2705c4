"""OpenAI's chat completions as endpoints really speak them: stream, chunks, refusals, parameters, the answer."""
