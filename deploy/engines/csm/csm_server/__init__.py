"""A thin server of Sesame CSM: OpenAI's `/v1/audio/speech`, streamed, with the conversation as context."""
