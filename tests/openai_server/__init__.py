"""A strict fake of OpenAI's API, and of servers that speak it: what it refuses, they refuse."""

from tests.openai_server.habits import LLAMA_CPP, LM_STUDIO, OLLAMA, VLLM, Habits
from tests.openai_server.server import KEY, OpenAIServer

__all__ = ["KEY", "LLAMA_CPP", "LM_STUDIO", "OLLAMA", "VLLM", "Habits", "OpenAIServer"]
