"""The part of Python's pickle format that a file of tensors needs, and no more.

It is not an unpickler: a name in the file is never looked up, nothing is imported and nothing of
the file's choosing is called. Torch's names stand for four things that are done here; any other
name, and any other opcode, is refused. Format: the standard library's pickletools, and
torch/serialization.py and torch/_utils.py for what torch makes of it.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

ELEMENT_OF: Final = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_DICT: Final = "collections.OrderedDict"
_TENSOR: Final = "torch._utils._rebuild_tensor_v2"
_PARAMETER: Final = "torch._utils._rebuild_parameter"
_ADMITTED: Final = frozenset(ELEMENT_OF) | {_DICT, _TENSOR, _PARAMETER}


class WouldRunCode(Exception):
    """The file asks for something to be called that is no tensor."""


class Malformed(Exception):
    """The file is not what it says it is."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the file mentions. It stands for itself: there is nothing behind it."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of `count` elements that lies elsewhere in the file, under `key`."""

    key: str
    element: str
    count: int


@dataclass(frozen=True, slots=True)
class TensorRef:
    """Where a tensor lies in its storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(file: BinaryIO) -> Any:
    """Read one pickle: numbers, text, lists, tuples, dicts with text as keys, `TensorRef`.

    Leaves `file` right behind it. Raises `WouldRunCode` and `Malformed`.
    """
    reader = _StackMachine()
    try:
        while (opcode := _opcode(file)).name != "STOP":
            reader.step(opcode.name, _argument(opcode, file))
        return reader.pop()
    except (ValueError, LookupError, TypeError, OverflowError) as exc:
        raise Malformed(str(exc)) from exc


def _opcode(file: BinaryIO) -> pickletools.OpcodeInfo:
    code = file.read(1)
    if code not in _OPCODES:
        raise Malformed("it ends too early" if not code else f"there is no opcode {code!r}")
    opcode = _OPCODES[code]
    if opcode.name not in _KNOWN:
        raise WouldRunCode(f"opcode {opcode.name}")
    return opcode


def _argument(opcode: pickletools.OpcodeInfo, file: BinaryIO) -> Any:
    if opcode.name == "GLOBAL":
        # pickletools would undo escapes here, which pickle does not have.
        return f"{_line(file)}.{_line(file)}"
    return opcode.arg.reader(file) if opcode.arg else None


def _line(file: BinaryIO) -> str:
    line = file.readline()
    if not line.endswith(b"\n"):
        raise Malformed("it ends too early")
    return line[:-1].decode()


class _StackMachine:
    """The stack machine of pickle, with the opcodes that can only build plain data."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _IGNORED:
            return
        if opcode in _PUSHES_ITS_ARGUMENT:
            self._stack.append(argument)
        else:
            _STEPS[opcode](self, argument)

    def pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Malformed("its stack is empty")
        return self._stack.pop()

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def pop_to_mark(self) -> list[Any]:
        at = self._marks.pop()
        values = self._stack[at:]
        del self._stack[at:]
        return values

    def pop_many(self, count: int) -> list[Any]:
        return [self.pop() for _ in range(count)][::-1]

    def memoize(self, number: int | None) -> None:
        self._memo[len(self._memo) if number is None else number] = self._stack[-1]

    def recall(self, number: int) -> None:
        self._stack.append(self._memo[number])

    def name(self, dotted: str) -> None:
        if dotted not in _ADMITTED:
            raise WouldRunCode(dotted)
        self._stack.append(Name(dotted))

    def extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise Malformed("it appends to what is no list")
        target.extend(values)

    def update(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(values) % 2:
            raise Malformed("it sets items of what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # A deep tuple as a key would overrun the C stack when it is hashed.
            if not isinstance(key, str):
                raise Malformed("a key is not text")
            target[key] = value

    def reduce(self) -> None:
        callee, arguments = self.pop_many(2)
        if not isinstance(callee, Name) or not isinstance(arguments, tuple):
            raise WouldRunCode("a call of what is no function")
        self._stack.append(_called(callee.dotted, arguments))

    def build(self) -> None:
        """Drop the attributes that torch hangs on a state dict (its `_metadata`)."""
        self.pop()
        if not isinstance(self._stack[-1], dict):
            raise WouldRunCode("it sets the state of an object")

    def storage(self) -> None:
        """Read ('storage', type, key, location, count), legacy files with a sixth, None."""
        kind, element, key, _where, count, *view = self.pop()
        if kind != "storage" or not isinstance(element, Name) or any(view):
            raise Malformed("a storage is not described as torch does it")
        if not isinstance(key, str) or not isinstance(count, int) or count < 0:
            raise Malformed("a storage has no key or no size")
        self._stack.append(Storage(key, ELEMENT_OF[element.dotted], count))


def _called(name: str, arguments: tuple[Any, ...]) -> Any:
    if name == _DICT and arguments in ((), ([],)):
        return {}
    if name == _TENSOR:
        return _tensor(*arguments[:4])
    if name == _PARAMETER and isinstance(arguments[0], TensorRef):
        return arguments[0]
    raise Malformed(f"{name} is given what torch does not give it")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> TensorRef:
    if not isinstance(storage, Storage) or not _all_counts((offset,)):
        raise Malformed("a tensor has no storage")
    if not _all_counts(shape) or not _all_counts(strides) or len(shape) != len(strides):
        raise Malformed("a tensor has no shape")
    return TensorRef(storage, offset, shape, strides)


def _all_counts(values: Any) -> bool:
    return isinstance(values, tuple) and all(type(value) is int and value >= 0 for value in values)


_IGNORED: Final = frozenset({"PROTO", "FRAME"})
_PUSHES_ITS_ARGUMENT: Final = frozenset(
    {"LONG1", "LONG4", "BININT", "BININT1", "BININT2", "BINFLOAT"}
    | {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
)
_STEPS: Final[dict[str, Callable[[_StackMachine, Any], None]]] = {
    "NONE": lambda reader, _: reader.push(None),
    "NEWTRUE": lambda reader, _: reader.push(True),
    "NEWFALSE": lambda reader, _: reader.push(False),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "MARK": lambda reader, _: reader.mark(),
    "TUPLE": lambda reader, _: reader.push(tuple(reader.pop_to_mark())),
    "TUPLE1": lambda reader, _: reader.push(tuple(reader.pop_many(1))),
    "TUPLE2": lambda reader, _: reader.push(tuple(reader.pop_many(2))),
    "TUPLE3": lambda reader, _: reader.push(tuple(reader.pop_many(3))),
    "APPEND": lambda reader, _: reader.extend(reader.pop_many(1)),
    "APPENDS": lambda reader, _: reader.extend(reader.pop_to_mark()),
    "SETITEM": lambda reader, _: reader.update(reader.pop_many(2)),
    "SETITEMS": lambda reader, _: reader.update(reader.pop_to_mark()),
    "BINPUT": lambda reader, number: reader.memoize(number),
    "LONG_BINPUT": lambda reader, number: reader.memoize(number),
    "MEMOIZE": lambda reader, _: reader.memoize(None),
    "BINGET": lambda reader, number: reader.recall(number),
    "LONG_BINGET": lambda reader, number: reader.recall(number),
    "GLOBAL": lambda reader, name: reader.name(name),
    "STACK_GLOBAL": lambda reader, _: reader.name(".".join(reader.pop_many(2))),
    "REDUCE": lambda reader, _: reader.reduce(),
    "BUILD": lambda reader, _: reader.build(),
    "BINPERSID": lambda reader, _: reader.storage(),
}
_KNOWN: Final = _IGNORED | _PUSHES_ITS_ARGUMENT | _STEPS.keys() | {"STOP"}
_OPCODES: Final = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
