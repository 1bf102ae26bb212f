"""`python -m tests.openai_server`: serve, until SIGTERM or Ctrl-C.

Prints its BASE_URL when it is ready, then at the end, as JSON, what it counted; it ends with 1 if
it was sent what nobody sends.
"""

import argparse
import sys

from tests.alone import ending, serve
from tests.openai_server import LLAMA_CPP, LM_STUDIO, OLLAMA, VLLM, Habits, OpenAIServer

_HABITS = {
    "openai": Habits(),
    "ollama": OLLAMA,
    "lm-studio": LM_STUDIO,
    "llama.cpp": LLAMA_CPP,
    "vllm": VLLM,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.openai_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--habits", choices=_HABITS, default="openai")
    parser.add_argument("--latency-s", type=float, default=0.0, help="how long a chat takes")
    parser.add_argument("--batch-delay-s", type=float, default=0.0, help="when a batch begins")
    parser.add_argument("--at-once", type=int, help="beyond so many chats it answers 429")
    return parser.parse_args()


def main() -> int:
    told, ended = _arguments(), ending()
    server = OpenAIServer(
        port=told.port,
        habits=_HABITS[told.habits],
        latency_s=told.latency_s,
        batch_delay_s=told.batch_delay_s,
        allowed_at_once=told.at_once,
    )
    return serve(server, ended, ready=server.url, told=server.told)


if __name__ == "__main__":
    sys.exit(main())
