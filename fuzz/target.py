"""One fuzzing process: the instrumented reader under libFuzzer, with libFuzzer's own arguments."""

import sys

import atheris

with atheris.instrument_imports(include=["billfold"]):
    from fuzz.readers import READERS


def main() -> None:
    """Fuzz the reader named first; ends when libFuzzer does."""
    reader, *options = sys.argv[1:]
    attempt = READERS[reader]

    def one(content: bytes) -> None:
        attempt(content)

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


main()
